// Starts servers as processes of their own, sends them what a sender, a proxy or an attacker sends, and stops them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { SECRET, webhook } from "./servers/app.mjs";

export { SECRET, webhook };

const folder = fileURLToPath(new URL("servers", import.meta.url));
/** Where the programs of xtask/tools are. */
export const tool = (name) => join(process.env.TOOLS, name);

/** A server: where it is, what it has written to its log, and how to end it. */
export async function start(command, env = {}) {
  const [program, ...parameters] = command;
  const child = spawn(program === "node" ? process.execPath : program, parameters, { cwd: folder, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const server = { log: "", child, stop };
  child.stderr.on("data", (chunk) => (server.log += chunk));
  server.port = await portOf(server, child.stdout, (line) => (line.startsWith("{") ? JSON.parse(line).port : undefined));
  async function stop(signal = "SIGTERM") {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }
  return server;
}

/** The port that a process says it listens on; an error where it ends, or says nothing for a minute. */
export function portOf(server, stream, parse) {
  const { child } = server;
  return new Promise((found, failed) => {
    const fail = (why) => {
      child.kill("SIGKILL");
      failed(new Error(`${child.spawnargs.join(" ")} ${why}: ${server.log}`));
    };
    const timer = setTimeout(fail, 60_000, "said no port");
    let said = "";
    stream.on("data", (chunk) => {
      said += chunk;
      const port = said.split("\n").slice(0, -1).map(parse).find((port) => port !== undefined);
      if (port === undefined) return;
      clearTimeout(timer);
      found(port);
    });
    child.once("error", failed);
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  });
}

let count = 0;

/** The body of an event of its own, and the headers that clarife sends with it. */
export function delivery(title = "Zażółć 😀", { id = `evt_${process.pid}_${++count}`, type = "document.updated" } = {}) {
  const body = JSON.stringify({ id, type, created_at: new Date().toISOString(), data: { title } });
  return { id, body, headers: { "Content-Type": "application/json", "X-Clarife-Signature": webhook.sign(body) } };
}

/**
 * Sends a request, in one piece with its length or in chunks, and gives the answer; the request need not have been whole for it.
 *
 * @param options `chunks`: pieces to send one after the other, chunked; `open`: whether the last one stays out
 */
export function send(server, path, { method = "POST", headers = {}, body = "", chunks, open = false, agent = false }) {
  return new Promise((answered, failed) => {
    const length = chunks === undefined ? { "Content-Length": headers["Content-Length"] ?? Buffer.byteLength(body) } : {};
    const sent = request({ host: "127.0.0.1", port: server.port, path, method, headers: { ...headers, ...length }, agent });
    sent.setNoDelay(true);
    sent.on("error", failed);
    sent.on("response", async (response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      if (open) sent.destroy();
      const text = Buffer.concat(parts).toString();
      answered({ status: response.statusCode, headers: response.headers, text, json: json(text) });
    });
    if (chunks === undefined) {
      sent.write(body);
    } else {
      void (async () => {
        for (const chunk of chunks) {
          sent.write(chunk);
          await new Promise((done) => setTimeout(done, 5)); // each in a packet of its own
        }
        if (!open) sent.end();
      })();
      return;
    }
    if (!open) sent.end();
    else sent.flushHeaders();
  });
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Sends half of a delivery, and breaks the connection. */
export async function cutOff(server, path, { headers, body }) {
  const socket = connect(server.port, "127.0.0.1");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${lines.join("")}\r\n${body.slice(0, 20)}`);
  await new Promise((done) => setTimeout(done, 50));
  socket.resetAndDestroy();
  await once(socket, "close");
}

/** How often the handler has run for an event. */
export async function runs(server, id) {
  const { json } = await send(server, "/ran", { method: "GET" });
  return json[id] ?? 0;
}

/** Waits until something holds; an error where it does not within some seconds. */
export async function until(what, holds) {
  for (let tries = 0; tries < 600; tries++) {
    const value = await holds();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${what}: not within 30 s`);
}

/** A connection to a server that can be cut off from it and joined to it again; for stores that go away. */
export async function proxy(target) {
  const { createServer } = await import("node:net");
  const pairs = new Set();
  let isPaused = false;
  const server = createServer((near) => {
    const far = connect(target.port, target.host);
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
    if (isPaused) pair.forEach((socket) => socket.pause());
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    port: server.address().port,
    /** Lets nothing through, as a network does that has broken. */
    pause() {
      isPaused = true;
      for (const pair of pairs) pair.forEach((socket) => (socket.unpipe(), socket.pause()));
    },
    resume() {
      isPaused = false;
      for (const [near, far] of pairs) {
        near.pipe(far);
        far.pipe(near);
      }
    },
    close() {
      for (const pair of pairs) pair.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}
