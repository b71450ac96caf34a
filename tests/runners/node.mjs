#!/usr/bin/env node
// Walks the vectors in Node, Deno or Bun:  node node.mjs <package or path of its entry> <folder of the vector files>
// The package is resolved from this file's folder, so copy the runners beside the node_modules under test.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

import { report } from "./report.mjs";
import { runVectors } from "./vectors.mjs";

const [, , name = "clarife-webhooks", folder = "vectors"] = process.argv;
const isPath = /^[./]|^[A-Za-z]:[\\/]/.test(name);
const sdk = await import(isPath ? pathToFileURL(resolve(name)).href : name);
const readJson = (file) => JSON.parse(readFileSync(resolve(folder, `${file}.json`), "utf8"));

const [runtime, version] = globalThis.Deno
  ? ["deno", globalThis.Deno.version.deno]
  : globalThis.Bun
    ? ["bun", globalThis.Bun.version]
    : ["node", process.versions.node];
report({ runtime, version, engine: sdk.engine, ...(await runVectors(sdk, readJson)) });
