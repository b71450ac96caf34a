// Starts servers as separate processes, sends requests as a sender, a proxy or an attacker does, and stops the servers.
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
/** Returns the path of a program of xtask/tools. */
export const tool = (name) => join(process.env.TOOLS, name);

/** Starts a server. Returns its port, its log and a function that stops it. */
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

/** Returns the port that a process prints. Fails if the process ends, or prints none for a minute. */
export function portOf(server, stream, parse) {
  const { child } = server;
  return new Promise((found, failed) => {
    const fail = (why) => {
      child.kill("SIGKILL");
      failed(new Error(`${child.spawnargs.join(" ")} ${why}: ${server.log}`));
    };
    const timer = setTimeout(fail, 60_000, "printed no port");
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

/** Returns the body of a new event with clarife's headers. */
export function delivery(title = "Zażółć 😀", { id = `evt_${process.pid}_${++count}`, type = "document.updated" } = {}) {
  const body = JSON.stringify({ id, type, created_at: new Date().toISOString(), data: { title } });
  return { id, body, headers: { "Content-Type": "application/json", "X-Clarife-Signature": webhook.sign(body) } };
}

/**
 * Sends a request, in one piece with its length or in chunks, and returns the response, which may precede the request's end.
 *
 * @param options `chunks`: the chunks to send one after another; `open`: leaves the request unfinished
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
          await new Promise((done) => setTimeout(done, 5)); // each chunk in its own packet
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

/** Sends half of a delivery and breaks the connection. */
export async function cutOff(server, path, { headers, body }) {
  const socket = connect(server.port, "127.0.0.1");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${lines.join("")}\r\n${body.slice(0, 20)}`);
  await new Promise((done) => setTimeout(done, 50));
  socket.resetAndDestroy();
  await once(socket, "close");
}

/** Returns the number of the handler's runs for an event. */
export async function runs(server, id) {
  const { json } = await send(server, "/ran", { method: "GET" });
  return json[id] ?? 0;
}

/** Waits until a condition holds. Fails after half a minute. */
export async function until(what, holds) {
  for (let tries = 0; tries < 600; tries++) {
    const value = await holds();
    if (value) return value;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${what}: not within 30 s`);
}

/** Creates a proxy that can be paused, for stores that become unavailable. */
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
    /** Holds all data back, as a broken network does. */
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
