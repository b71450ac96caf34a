#!/usr/bin/env node
// Bundles the npm package with esbuild:  node bundle.mjs <folder of the package>
// The bundles are readable: nothing is minified, and source maps hold the sources.
import { readdirSync, writeFileSync } from "node:fs";
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
    external: ["*.wasm", "*.wasm?module", "node:*"],
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

// One copy of the API, and so one WebhookError, for both module systems.
for (const entry of COMMONJS) writeFileSync(join(dist, `${entry}.mjs`), `export * from "./${entry}.cjs";\n`);
// Declarations for `import`: TypeScript takes a `.d.ts` of this package for CommonJS.
writeFileSync(join(dist, "index.d.mts"), 'export * from "./types/api/index.js";\n');
for (const adapter of adapters) writeFileSync(join(dist, "adapters", `${adapter}.d.mts`), `export * from "../types/adapters/${adapter}.js";\n`);
