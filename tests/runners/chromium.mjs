#!/usr/bin/env node
// Walks the vectors in Chromium:  CHROMIUM=<binary> node chromium.mjs <package> <folder of the vector files>
// Serves this folder, the packages and the vectors on loopback, and drives the browser with playwright-core.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, relative, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { FLAGS } from "./chromium-flags.mjs";
import { importsOf, packageEntry, packageFolder } from "./package.mjs";
import { report } from "./report.mjs";

const [, , name = "clarife-webhooks", folder = "vectors"] = process.argv;
const here = dirname(fileURLToPath(import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" };

/** The addresses of the packages' entries, for the import map: the page has no node_modules. */
const roots = { runners: here, vectors: folder };
const imports = {};
function addPackage(specifier, from) {
  if (imports[specifier]) return;
  const root = packageFolder(specifier, from);
  const entry = packageEntry(root, ["browser", "import"]);
  roots[specifier] = root;
  imports[specifier] = `/${specifier}/${relative(root, entry).split(sep).join("/")}`;
  for (const inner of importsOf(entry)) if (!/^[./]|^[a-z]+:/.test(inner)) addPackage(inner, dirname(entry));
}
addPackage(name, here);
imports.sdk = imports[name];

const page = readFileSync(join(here, "chromium.html"), "utf8").replace("@IMPORTS@", () => JSON.stringify({ imports }));
const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  if (path === "/") return void response.setHeader("content-type", "text/html").end(page);
  const [, root, ...rest] = path.split("/");
  const file = roots[root] && join(roots[root], normalize(`/${rest.join("/")}`));
  try {
    const content = readFileSync(file);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream").end(content);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  const tab = await browser.newPage();
  const problems = [];
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  await tab.waitForFunction(() => globalThis.result !== undefined, undefined, { timeout: 60_000 }).catch((error) => {
    throw new Error([error.message, ...problems].join("\n"));
  });
  const result = await tab.evaluate(() => globalThis.result);
  if (result.error) throw new Error(result.error);
  report({ runtime: "chromium", version: browser.version(), ...result });
} finally {
  await browser.close();
  server.close();
}
