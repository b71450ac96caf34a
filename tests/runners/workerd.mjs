#!/usr/bin/env node
// Walks the vectors in workerd:  WORKERD=<binary> node workerd.mjs <package> <folder of the vector files>
// Writes a configuration that holds the worker, the package's modules and the vectors, and calls the worker over HTTP.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { importsOf, packageEntry, packageFolder } from "./package.mjs";
import { report } from "./report.mjs";
import { FILES } from "./vectors.mjs";

const [, , name = "clarife-webhooks", folder = "vectors"] = process.argv;
const workerd = process.env.WORKERD ?? "workerd";
const here = dirname(fileURLToPath(import.meta.url));
const conditions = ["workerd", "worker", "import"];
const site = mkdtempSync(join(tmpdir(), "vectors-workerd-"));
const modules = [];
const kinds = { ".wasm": "wasm", ".json": "json" };

/** Adds a file or a text to the configuration under a module name. */
function add(module, { file, text }) {
  const embedded = join("modules", `${modules.length}`);
  if (file === undefined) writeFileSync(join(site, embedded), text);
  else copyFileSync(file, join(site, embedded));
  const kind = kinds[/\.[a-z]+$/.exec(module)?.[0]] ?? "esModule";
  modules.push(`    (name = ${JSON.stringify(module)}, ${kind} = embed ${JSON.stringify(embedded)}),`);
}

/** Adds a module of a package and its imports. */
function addPackage(file, module, seen) {
  if (seen.has(module)) return;
  seen.add(module);
  add(module, { file });
  if (/\.(wasm|json)$/.test(file)) return;
  for (const specifier of importsOf(file)) {
    if (/^(node|cloudflare):/.test(specifier)) continue;
    if (specifier.startsWith(".")) {
      addPackage(resolve(dirname(file), specifier), posix.join(posix.dirname(module), specifier), seen);
      continue;
    }
    // A bare name is resolved beside the importing module.
    const entry = packageEntry(packageFolder(specifier, dirname(file)), conditions);
    const inner = `packages/${specifier}/${relative(packageFolder(specifier, dirname(file)), entry)}`;
    addPackage(entry, inner, seen);
    const alias = posix.join(posix.dirname(module), specifier);
    if (!seen.has(alias)) add(alias, { text: `export * from "${posix.relative(posix.dirname(alias), inner)}";\n` });
    seen.add(alias);
  }
}

function writeConfig() {
  mkdirSync(join(site, "modules"));
  add("worker.mjs", { file: join(here, "workerd-worker.mjs") });
  for (const file of ["vectors.mjs", "checks.mjs", "containers.mjs"]) add(file, { file: join(here, file) });
  const root = packageFolder(name, here);
  const entry = packageEntry(root, conditions);
  const module = `packages/${name}/${relative(root, entry)}`;
  addPackage(entry, module, new Set());
  add("sdk", { text: `export * from "./${module}";\n` });
  for (const file of FILES) add(`files/${file}.json`, { file: join(folder, `${file}.json`) });
  const imports = FILES.map((file) => `import ${file} from "./files/${file}.json";\n`).join("");
  add("files", { text: `${imports}export default { ${FILES.join(", ")} };\n` });
  const template = readFileSync(join(here, "workerd.capnp.template"), "utf8");
  writeFileSync(join(site, "config.capnp"), template.replace("@MODULES@", () => modules.join("\n")));
}

/** Starts workerd and returns its port. */
function start() {
  const child = spawn(workerd, ["serve", "--control-fd=3", join(site, "config.capnp")], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const port = new Promise((found, failed) => {
    let said = "";
    child.stdio[3].on("data", (chunk) => {
      said += chunk;
      for (const line of said.split("\n").slice(0, -1)) {
        const message = JSON.parse(line);
        if (message.event === "listen") found(message.port);
      }
    });
    child.on("error", failed);
    child.on("exit", (code) => failed(new Error(`workerd ended with ${code}`)));
  });
  return { child, port };
}

writeConfig();
const { child, port } = start();
try {
  const response = await fetch(`http://127.0.0.1:${await port}/`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  report({ runtime: "workerd", version: version(), ...JSON.parse(text) });
} finally {
  child.kill();
  rmSync(site, { recursive: true, force: true });
}

function version() {
  try {
    return JSON.parse(readFileSync(join(packageFolder("workerd", resolve(workerd, "..")), "package.json"), "utf8")).version;
  } catch {
    return "?";
  }
}
