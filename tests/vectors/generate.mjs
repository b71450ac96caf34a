#!/usr/bin/env node
// Writes the vector files into its folder. With --check, writes nothing and fails if a file differs.
import { readFileSync, writeFileSync } from "node:fs";

import { canonical } from "./generator/canonical.mjs";
import { construct } from "./generator/construct.mjs";
import { envelopeFile } from "./generator/envelope.mjs";
import { headers } from "./generator/headers.mjs";
import { health } from "./generator/health.mjs";
import { hmac } from "./generator/hmac.mjs";
import { dedup } from "./generator/dedup.mjs";
import { receive } from "./generator/receive.mjs";
import { retry } from "./generator/retry.mjs";
import { sign } from "./generator/sign.mjs";
import { standard } from "./generator/standard.mjs";
import { types } from "./generator/types.mjs";
import { verify } from "./generator/verify.mjs";

const files = {
  construct, verify, envelope: envelopeFile, types, headers, sign, standard, dedup, receive, canonical, retry, health, hmac_sha256: hmac,
};
const check = process.argv.includes("--check");
let total = 0;
let differing = 0;

for (const [name, make] of Object.entries(files)) {
  const url = new URL(`${name}.json`, import.meta.url);
  const file = make();
  const text = file.text();
  total += file.count;
  if (check && read(url) !== text) {
    console.error(`${name}.json is outdated: run cargo xtask codegen`);
    differing += 1;
  }
  if (!check) writeFileSync(url, text);
  console.log(`${name}.json: ${file.count} cases`);
}
console.log(`${total} cases in total`);
process.exitCode = differing ? 1 : 0;

function read(url) {
  try {
    return readFileSync(url, "utf8");
  } catch {
    return undefined;
  }
}
