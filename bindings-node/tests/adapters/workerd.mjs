// The worker of servers/worker.mjs in workerd, bundled as by wrangler: one module, and the WebAssembly module beside it.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { portOf, tool } from "./harness.mjs";

const here = fileURLToPath(new URL("servers", import.meta.url));

export async function startWorker() {
  const folder = mkdtempSync(join(tmpdir(), "clarife-webhooks-worker-"));
  const entries = ["worker.mjs", "kv.mjs"].map((name) => join(here, name));
  execFileSync(tool("esbuild"), [...entries, "--bundle", "--format=esm", "--conditions=workerd,worker", "--loader:.wasm=copy", "--asset-names=[name]", "--log-level=warning", `--outdir=${folder}`]);
  const wasm = readdirSync(folder).find((name) => name.endsWith(".wasm"));
  writeFileSync(join(folder, "config.capnp"), config(wasm));
  const child = spawn(tool("workerd"), ["serve", "--control-fd=3", join(folder, "config.capnp")], { stdio: ["ignore", "pipe", "pipe", "pipe"], env: process.env });
  const server = { log: "", child, stop };
  // A worker's log may be in either stream.
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (server.log += chunk));
  server.port = await portOf(server, child.stdio[3], (line) => JSON.parse(line).port);
  async function stop() {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  }
  return server;
}

const config = (wasm) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "kv", worker = .kv)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const main :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [(name = "worker.js", esModule = embed "worker.js"), (name = "./${wasm}", wasm = embed "${wasm}")],
  durableObjectNamespaces = [(className = "DedupObject", uniqueKey = "dedup", enableSql = true)],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "DEDUP", durableObjectNamespace = "DedupObject"),
    (name = "HANDLED", kvNamespace = "kv"),
  ],
);

const kv :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [(name = "kv.js", esModule = embed "kv.js")],
);
`;
