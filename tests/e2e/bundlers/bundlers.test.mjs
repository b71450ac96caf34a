// Bundles for Node.js.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import commonjs from "@rollup/plugin-commonjs";
import resolve from "@rollup/plugin-node-resolve";
import { rspack } from "@rspack/core";
import { nodeFileTrace } from "@vercel/nft";
import esbuild from "esbuild";
import { rollup } from "rollup";
import { build as vite } from "vite";
import webpack from "webpack";
import { bundle, NODE, run, SOURCES, tool } from "./harness.mjs";

const list = (messages) => messages.map((message) => `warning: ${message}\n`).join("");

/** Tests esbuild with these options. */
function esbuilds(name, file, entry, options) {
  bundle(`esbuild ${name} ${entry}`, [NODE, file], async (outdir, absWorkingDir) => {
    const { warnings } = await esbuild.build({
      absWorkingDir, bundle: true, entryPoints: { receiver: entry }, logLevel: "silent", outdir, platform: "node",
      outExtension: { ".js": file.replace("receiver", "") }, ...options,
    });
    return list(warnings.map(({ text }) => text));
  });
}
for (const minify of [false, true]) {
  const suffix = minify ? " --minify" : "";
  esbuilds(`--format=cjs${suffix}`, "receiver.cjs", "receiver.mjs", { format: "cjs", minify });
  esbuilds(`--format=cjs${suffix}`, "receiver.cjs", "receiver.cjs", { format: "cjs", minify });
  esbuilds(`--format=esm${suffix}`, "receiver.mjs", "receiver.mjs", { format: "esm", minify });
}
for (const loader of ["base64", "binary", "copy", "dataurl", "empty", "file", "text"]) {
  esbuilds(`--loader:.wasm=${loader} --loader:.node=${loader}`, "receiver.cjs", "receiver.mjs", {
    format: "cjs", loader: { ".wasm": loader, ".node": loader },
  });
}
for (const platform of ["browser", "neutral"]) {
  esbuilds(`--platform=${platform}`, "receiver.mjs", "receiver.mjs", {
    external: ["node:*"], format: "esm", platform, target: "esnext",
  });
}
esbuilds("--splitting", "receiver.mjs", "receiver.mjs", { format: "esm", splitting: true });

/** Tests webpack or Rspack with these options. */
function webpacks(name, file, entry, options) {
  for (const [tool, compile] of [["webpack", webpack], ["rspack", rspack]]) {
    bundle(`${tool} ${name} ${entry}`, [NODE, file], async (path, context) => {
      const output = { path, ...options.output };
      const stats = await promisify(compile)({ context, entry: `./${entry}`, mode: "development", target: "node", ...options, output });
      return stats.toString({ all: false, errors: true, warnings: true });
    });
  }
}
webpacks("development", "main.js", "receiver.cjs", {});
webpacks("production", "main.js", "receiver.mjs", { mode: "production" });
webpacks("node: false, asyncWebAssembly", "main.js", "receiver.mjs", { experiments: { asyncWebAssembly: true }, node: false });
webpacks("output.module", "main.mjs", "receiver.mjs", {
  experiments: { outputModule: true }, output: { chunkFormat: "module", filename: "main.mjs", module: true },
});

for (const entry of SOURCES) {
  for (const flags of [[], ["--minify", "--source-map"]]) {
    bundle(["ncc", entry, ...flags].join(" "), [NODE, entry.replace("receiver", "index")], (out, project) =>
      run(tool("ncc"), ["build", entry, "--out", out, ...flags], project),
    );
  }
  for (const [format, file, exportConditions] of [["es", "receiver.mjs", []], ["cjs", "receiver.cjs", []], ["es", "receiver.mjs", ["node"]]]) {
    bundle(`rollup ${format} ${entry} [${exportConditions}]`, [NODE, file], async (out, project) => {
      const warnings = [];
      const plugins = [resolve({ exportConditions, rootDir: project }), commonjs()];
      const onwarn = ({ message }) => warnings.push(message);
      const built = await rollup({ external: /^node:/, input: join(project, entry), onwarn, plugins });
      await built.write({ file: join(out, file), format });
      return list(warnings);
    });
  }
  for (const minify of [false, true]) {
    bundle(`vite ssr.noExternal ${entry}${minify ? " minify" : ""}`, [NODE, "receiver.mjs"], async (outDir, root) => {
      const warnings = [];
      const warn = (message) => warnings.push(message);
      const customLogger = { clearScreen() {}, error: warn, hasErrorLogged: () => false, info() {}, warn, warnOnce: warn };
      const rollupOptions = { output: { entryFileNames: "receiver.mjs" } };
      const build = { emptyOutDir: true, minify, outDir, rollupOptions, ssr: entry };
      await vite({ build, configFile: false, customLogger, root, ssr: { noExternal: true } });
      return list(warnings);
    });
  }
}

for (const entry of SOURCES) {
  // Copies the files that a program needs, as Vercel and Next.js (`output: "standalone"`) do.
  bundle(`nft ${entry}`, [NODE, entry], async (out, base) => {
    const { fileList, warnings } = await nodeFileTrace([join(base, entry)], { base });
    for (const file of fileList) cpSync(join(base, file), join(out, file));
    return list([...warnings].map(({ message }) => message));
  }, "native");
}
