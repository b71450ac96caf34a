// Loading the package: in both module systems, without its addon, in worker threads, and more than once.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import vm from "node:vm";
import { api, AT, BODY, entry, expectedEngine, folder, require, SECRET, SIGNATURE, webhook } from "./api.mjs";

test("every file that package.json names exists", () => {
  const { exports, main, types } = require("clarife-webhooks/package.json");
  const files = [];
  (function walk(value) {
    if (typeof value === "string") files.push(value);
    else Object.values(value).forEach(walk);
  })([exports, main, types]);
  for (const file of files) assert.ok(existsSync(join(folder, file)), file);
  for (const conditions of [exports["."], exports["./wasm"]]) {
    assert.equal(Object.keys(conditions)[0], "types", "TypeScript takes the first condition that matches");
    assert.equal(Object.keys(conditions).at(-1), "default");
  }
});

test("every bundle is readable and has a source map with its sources", () => {
  const bundles = ["", "adapters"].flatMap((name) =>
    readdirSync(join(folder, "dist", name)).filter((file) => /\.[cm]js$/.test(file)).map((file) => join(folder, "dist", name, file)),
  );
  for (const bundle of bundles) {
    const text = readFileSync(bundle, "utf8");
    if (/^export \{[^}]+\} from "[^"]+";\n$/.test(text)) continue;
    assert.ok(Math.max(...text.split("\n").map((line) => line.length)) < 300, `${bundle} is minified`);
    if (bundle.includes("wasm-text")) continue;
    const { sources, sourcesContent } = JSON.parse(readFileSync(`${bundle}.map`, "utf8"));
    assert.equal(sources.length, sourcesContent.length);
    for (const source of sources) assert.ok(existsSync(join(bundle, "..", source)), `${source} of ${bundle}`);
  }
});

test("import and require have the same classes", () => {
  const required = require(entry);
  assert.equal(required.Webhook, api.Webhook);
  assert.equal(required.engine, api.engine);
  assert.throws(() => new required.Webhook(""), api.WebhookError);
});

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const here = (script, options) => execFileSync(process.execPath, options?.module ? ["--input-type=module", "-e", script] : ["-e", script], { cwd: FOLDER, encoding: "utf8", env: { ...process.env, ...options?.env } });
const use = `const body = ${JSON.stringify(BODY)}; const webhook = new Webhook("a"); console.log(engine, webhook.verify(body, webhook.sign(body)).id);`;
const { id } = JSON.parse(BODY);

test("a separate process, in CommonJS and ESM", () => {
  assert.equal(here(`const { Webhook, engine } = require("${entry}"); ${use}`), `${expectedEngine} ${id}\n`);
  assert.equal(here(`import { Webhook, engine } from "${entry}"; ${use}`, { module: true }), `${expectedEngine} ${id}\n`);
});

test("the environment can select WebAssembly", () => {
  const env = { CLARIFE_WEBHOOKS_ENGINE: "wasm" };
  for (const module of [true, false]) {
    const load = module ? `import { Webhook, engine } from "${entry}";` : `const { Webhook, engine } = require("${entry}");`;
    assert.equal(here(`${load} ${use}`, { module, env }), `wasm ${id}\n`);
  }
});

test("WebAssembly silently replaces a missing or broken addon", { skip: entry !== "clarife-webhooks" }, () => {
  const project = mkdtempSync(join(tmpdir(), "clarife-webhooks-"));
  try {
    cpSync(folder, join(project, "node_modules/clarife-webhooks"), { recursive: true, dereference: true });
    const dist = join(project, "node_modules/clarife-webhooks/dist");
    const addons = readdirSync(dist).filter((file) => file.endsWith(".node"));
    const run = () => execFileSync(process.execPath, ["-e", `const { Webhook, engine } = require("clarife-webhooks"); ${use}`], { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    for (const content of ["not an addon", readFileSync(process.execPath).subarray(0, 4096)]) {
      for (const addon of addons) writeFileSync(join(dist, addon), content);
      assert.equal(run(), `wasm ${id}\n`);
    }
    for (const addon of addons) rmSync(join(dist, addon));
    assert.equal(run(), `wasm ${id}\n`);
  } finally {
    rmSync(project, { recursive: true });
  }
});

/** A program that replaces files and the report of Node.js before the package is loaded. */
const elsewhere = (files, glibcVersionRuntime, more = "") => `
  const fs = require("node:fs"), { existsSync, readFileSync } = fs, files = ${JSON.stringify(files)};
  fs.existsSync = (path) => path in files || existsSync(path);
  fs.readFileSync = (path, ...rest) => files[path] ?? readFileSync(path, ...rest);
  process.report.getReport = () => ({ header: { glibcVersionRuntime: ${JSON.stringify(glibcVersionRuntime)} } });
  ${more}`;

test("no addon for glibc where the C library may be musl", { skip: process.platform !== "linux" || expectedEngine !== "native" }, () => {
  const glibc = "7f00-7f01 r-xp 0 0 0 /usr/lib/x86_64-linux-gnu/libc.so.6\n";
  const nothing = { "/proc/self/maps": "", "/usr/bin/ldd": "" };
  const oldNode = "process.getBuiltinModule = undefined;"; // before 20.16
  for (const [expected, preload] of [
    ["wasm", elsewhere({ "/proc/self/maps": "7f00-7f01 r-xp 0 0 0 /lib/ld-musl-x86_64.so.1\n" }, "2.36")],
    ["wasm", elsewhere({ "/usr/bin/ldd": '#!/bin/sh\nexec /lib/ld-musl-x86_64.so.1 --list -- "$@"\n' }, "2.36")],
    ["wasm", elsewhere({ "/etc/alpine-release": "3.22.1\n" }, "2.36")],
    ["wasm", elsewhere(nothing, undefined)],
    ["wasm", elsewhere({}, undefined, oldNode)],
    ["native", elsewhere(nothing, "2.36")],
    ["native", elsewhere({}, "2.36", oldNode)],
    ["native", elsewhere({ ...nothing, "/proc/self/maps": glibc }, undefined)],
    ["native", elsewhere({ ...nothing, "/proc/self/maps": glibc.replace(".so.6", "-2.31.so") }, undefined)],
    ["native", "process.report.getReport = () => { throw new Error('a report is slow'); };"],
  ]) {
    const output = here(`${preload} const { Webhook, engine } = require("clarife-webhooks"); ${use}`);
    assert.equal(output, `${expected} ${id}\n`, preload);
  }
});

test("in a context without Node's globals", () => {
  const path = require.resolve(entry);
  const load = createRequire(path);
  const run = (globals) => {
    const module = { exports: {} };
    const context = vm.createContext({ exports: module.exports, module, require: load, ...globals });
    vm.runInContext(readFileSync(path, "utf8"), context);
    return module.exports;
  };
  const { Webhook, engine } = run({ atob, TextDecoder, TextEncoder });
  assert.equal(engine, "wasm");
  assert.equal(new Webhook(SECRET).verify(BODY, SIGNATURE, AT).raw, BODY);
  assert.throws(() => run({ atob }), /^Error: cannot open the WebAssembly module: TextEncoder is missing/);
});

test("several worker threads at once", async () => {
  const script = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { Webhook, engine } = require(workerData.path);
    const webhooks = Array.from({ length: 50 }, () => new Webhook(workerData.secret));
    let verified = 0;
    for (let i = 0; i < 2000; i++) {
      const webhook = webhooks[i % 50];
      verified += webhook.verify(workerData.body, workerData.signature, { now: workerData.now }).data.word_count;
    }
    parentPort.postMessage({ engine, verified });`;
  const workerData = { path: require.resolve(entry), secret: SECRET, body: BODY, signature: SIGNATURE, now: AT.now };
  const results = await Promise.all(
    Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
      const worker = new Worker(script, { eval: true, workerData });
      worker.once("message", resolve).once("error", reject);
    })),
  );
  assert.deepEqual(results, Array(4).fill({ engine: expectedEngine, verified: 6000 }));
  assert.equal(webhook.verify(BODY, SIGNATURE, AT).raw, BODY);
});

test("loaded twice in one process", () => {
  const path = require.resolve(entry);
  require(path);
  for (const cached of Object.keys(require.cache)) delete require.cache[cached]; // the addon too
  const again = require(path);
  assert.notEqual(again.Webhook, api.Webhook);
  assert.equal(again.engine, expectedEngine);
  assert.equal(new again.Webhook(SECRET).verify(BODY, SIGNATURE, AT).raw, BODY);
  assert.equal(webhook.verify(BODY, SIGNATURE, AT).raw, BODY);
});

test("values of another realm, as in Jest", () => {
  const other = vm.createContext({});
  const bytes = vm.runInContext(`new Uint8Array([${[...Buffer.from(BODY)]}])`, other);
  assert.ok(!(bytes instanceof Uint8Array));
  for (const body of [bytes, bytes.buffer]) {
    assert.equal(webhook.verify(body, SIGNATURE, AT).raw, BODY);
  }
  const date = vm.runInContext(`new Date(${AT.now * 1000})`, other);
  const headers = vm.runInContext(`new Map([["X-Clarife-Signature", "${SIGNATURE}"]])`, other);
  assert.equal(webhook.verify(BODY, headers, { now: date }).raw, BODY);
});

test("collected webhooks do not affect the others", async () => {
  const script = `
    const { Webhook } = require("${entry}");
    const body = ${JSON.stringify(BODY)};
    const kept = Array.from({ length: 20 }, (_, i) => new Webhook("kept" + i));
    (async () => {
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 500; i++) new Webhook("lost" + i);
        gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
        kept.forEach((webhook, i) => webhook.verify(body, new Webhook("kept" + i).sign(body)));
      }
      console.log("done");
    })();`;
  assert.equal(execFileSync(process.execPath, ["--expose-gc", "-e", script], { cwd: FOLDER, encoding: "utf8" }), "done\n");
});
