// Every entry, in both module systems, in a project with the package and nothing else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";

import { tool } from "./harness.mjs";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("clarife-webhooks/package.json"));
const { exports } = require("clarife-webhooks/package.json");
const entries = Object.keys(exports).filter((entry) => entry !== "./package.json").map((entry) => entry.replace(/^\./, "clarife-webhooks"));

const project = realpathSync(mkdtempSync(join(tmpdir(), "clarife-webhooks-")));
after(() => rmSync(project, { recursive: true }));
writeFileSync(join(project, "package.json"), JSON.stringify({ dependencies: { "clarife-webhooks": "*" } })); // for Deno
cpSync(folder, join(project, "node_modules/clarife-webhooks"), { recursive: true, dereference: true });
const run = (program, ...parameters) => execFileSync(program, parameters, { cwd: project, encoding: "utf8" });

test("every file of package.json exists, and each adapter has an entry", () => {
  const files = [];
  (function walk(value) {
    if (typeof value === "string") files.push(value);
    else Object.values(value).forEach(walk);
  })(exports);
  for (const file of files) assert.ok(existsSync(join(folder, file)), file);
  const adapters = readdirSync(join(folder, "dist/adapters")).filter((file) => file.endsWith(".cjs")).map((file) => file.slice(0, -4));
  assert.deepEqual(entries.slice(1).map((entry) => entry.split("/")[1]).sort(), [...adapters, "wasm"].sort());
});

// Import and require have the same names, and an adapter's error is the main entry's WebhookError.
const script = (load) => `
  const names = [];
  for (const entry of ${JSON.stringify(entries)}) names.push(entry + ": " + Object.keys(${load}(entry)).filter((name) => name !== "default" && name !== "module.exports").sort());
  const { receiver } = ${load}("clarife-webhooks/lambda");
  const { Webhook, WebhookError } = ${load}("clarife-webhooks");
  const errors = [];
  const receive = receiver(new Webhook("whsec_a"), () => {}, { onError: (error) => errors.push(error instanceof WebhookError && error.code) });
  receive({ body: {}, headers: {} }).then(() => console.log(JSON.stringify([...names, ...errors])));`;

test("import and require, without any framework", () => {
  const required = run(process.execPath, "-e", script("require"));
  const imported = run(process.execPath, "--input-type=module", "-e", script("await import"));
  assert.equal(imported, required);
  const said = JSON.parse(required);
  assert.equal(said.at(-1), "body_not_raw");
  assert.ok(said.includes("clarife-webhooks/cloudflare: DedupObject,DurableObjectStore,KvStore"), required);
});

test("in Deno and in Bun", () => {
  const imports = entries.map((entry) => `console.log(Object.keys(await import(${JSON.stringify(entry)})).length > 0);`).join("\n");
  const expected = "true\n".repeat(entries.length);
  assert.equal(run(tool("deno"), "eval", imports), expected);
  assert.equal(run(tool("bun"), "-e", imports), expected);
});
