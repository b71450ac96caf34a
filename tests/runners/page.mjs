#!/usr/bin/env node
// Drives the page of tests/e2e/consumers/vite in Chromium:  CHROMIUM=<binary> node page.mjs <url> <secret> <signature>  < <body>
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { FLAGS } from "./chromium-flags.mjs";

const [, , url, secret, signature] = process.argv;
const body = await text(process.stdin);
const { id, type } = JSON.parse(body);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
try {
  const tab = await browser.newPage();
  const problems = [];
  tab.on("pageerror", (error) => problems.push(String(error)));
  tab.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  await tab.goto(url);
  /** Returns the page's verdict on a delivery. */
  async function said(body) {
    await tab.getByLabel("Signing secret").fill(secret);
    await tab.getByLabel("X-Clarife-Signature").fill(signature);
    await tab.getByLabel("Raw body").fill(body);
    await tab.getByRole("button", { name: "Verify" }).click();
    const output = tab.locator("output:not(:empty)");
    await output.waitFor({ timeout: 30_000 }).catch((error) => {
      throw new Error([error.message, ...problems].join("\n"));
    });
    return output.textContent();
  }
  const good = await said(body);
  assert.ok(good.startsWith(`authentic: ${type} ${id}, created `), good);
  const tampered = await said(body.replace("Getting started", "Getting startet"));
  assert.ok(tampered.startsWith("signature_mismatch: "), tampered);
  assert.deepEqual(problems, []);
  console.error(`the page of vite, in Chromium ${browser.version()}: right about a good delivery and one tampered with`);
} finally {
  await browser.close();
}
