// CHROMIUM=<binary> node chromium.mjs <folder with page.js> <folder of bodies>
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";

import { chromium } from "playwright-core";

import { bodies, print } from "./bodies.mjs";

const [, , site, folder] = process.argv;
const all = bodies(folder);
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--js-flags=--expose-gc",
];
const files = {
  "/": ["text/html", () => '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'],
  "/page.js": ["text/javascript", () => readFileSync(join(site, "page.js"))],
  "/bodies": ["application/json", () => JSON.stringify(all.map(({ size, text }) => ({ size, text })))],
};
for (const { size, text, bytes } of all) files[`/bodies/${size}-${text}`] = ["application/octet-stream", () => bytes];

const server = createServer((request, response) => {
  const [type, content] = files[request.url] ?? [];
  if (type === undefined) return void response.writeHead(404).end();
  response.setHeader("content-type", type);
  // Only a cross-origin isolated page has a clock of 5 µs instead of 100 µs.
  response.setHeader("cross-origin-opener-policy", "same-origin").setHeader("cross-origin-embedder-policy", "require-corp");
  response.end(content());
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${server.address().port}/`);
  await tab.waitForFunction(() => globalThis.result !== undefined, undefined, { timeout: 600_000 });
  const { lines, error } = await tab.evaluate(() => globalThis.result);
  if (error) throw new Error(error);
  print(lines);
} finally {
  await browser.close();
  server.close();
}
