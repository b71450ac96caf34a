#!/usr/bin/env node
// Bundles the npm package with esbuild:  node bundle.mjs <folder of the package>
// The bundles are readable: nothing is minified, and source maps hold the sources.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import process from "node:process";

import { build } from "esbuild";

const folder = resolve(process.argv[2]);
const dist = join(folder, "dist");

/** The entries for Node, which `require` and `import` share. The others are ES modules. */
const COMMONJS = ["node", "node-wasm"];
/** The modules of `adapters` that adapters share. */
const SHARED = ["generated", "raw-body", "samples.generated"];

const modules = (name) => readdirSync(join(folder, name)).map((file) => file.replace(/\.ts$/, ""));
const entries = modules("entries").filter((entry) => !COMMONJS.includes(entry));
const adapters = modules("adapters").filter((adapter) => !SHARED.includes(adapter));

/**
 * Adapters import the package's own name in place of `api/index.ts`. The name means the entry of the runtime, so an adapter and
 * the entry share one backend and one `WebhookError`.
 */
const apiByName = {
  name: "api-by-name",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/api\/index\.js$/ }, ({ importer }) =>
      importer.startsWith(join(folder, "adapters")) ? { path: "clarife-webhooks", external: true } : undefined,
    );
  },
};

function bundle(source, names, format, extension, options) {
  return build({
    bundle: true,
    entryPoints: names.map((name) => join(folder, source, `${name}.ts`)),
    external: ["*.wasm", "*.wasm?module", "./wasm-text.cjs", "./wasm-text.mjs"],
    format,
    logLevel: "warning",
    outExtension: { ".js": extension },
    outdir: join(dist, source === "adapters" ? source : ""),
    platform: "neutral",
    plugins: [apiByName],
    sourcemap: "linked",
    supported: { "import-attributes": true },
    target: "es2022",
    ...options,
  });
}

await bundle("entries", COMMONJS, "cjs", ".cjs", { platform: "node" });
await bundle("entries", entries, "esm", ".mjs");
await bundle("adapters", adapters, "cjs", ".cjs");
await bundle("adapters", adapters, "esm", ".mjs");

// The module as a text, which every bundler includes. It has lines, because editors and diffs stop at a long one.
const lines = readFileSync(join(dist, "clarife_webhooks.wasm"), "base64").replaceAll(/.{100}/g, "$&\n");
writeFileSync(join(dist, "wasm-text.cjs"), `module.exports = \`\n${lines}\`;\n`);
writeFileSync(join(dist, "wasm-text.mjs"), `export default \`\n${lines}\`;\n`);
// One copy of the API, and so one WebhookError, for both module systems.
for (const entry of COMMONJS) {
  // Each name: Bun's bundler loses those of `export *`.
  const names = Object.keys(createRequire(import.meta.url)(join(dist, `${entry}.cjs`)));
  writeFileSync(join(dist, `${entry}.mjs`), `export {\n${names.map((name) => `  ${name},\n`).join("")}} from "./${entry}.cjs";\n`);
}
// Declarations for `import`: TypeScript takes a `.d.ts` of this package for CommonJS.
writeFileSync(join(dist, "index.d.mts"), 'export * from "./types/api/index.js";\n');
for (const adapter of adapters) writeFileSync(join(dist, "adapters", `${adapter}.d.mts`), `export * from "../types/adapters/${adapter}.js";\n`);
