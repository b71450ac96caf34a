// Where an installed package's entry is for a runtime that is not Node: its modules, as a server or a config must name them.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The folder of an installed package, looked up from `from` as Node does. */
export function packageFolder(name, from) {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed in ${from} or above`);
  }
}

/** The file that `import "<name>"` means under these conditions. */
export function packageEntry(folder, conditions) {
  const { exports, module, main = "index.js" } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const target = exports === undefined ? (module ?? main) : pick(exports["."] ?? exports, conditions);
  if (typeof target !== "string") throw new Error(`${folder} exports nothing for ${conditions.join(", ")}`);
  return join(folder, target);
}

function pick(target, conditions) {
  if (typeof target === "string" || target === null || target === undefined) return target;
  for (const [condition, inner] of Object.entries(target)) {
    if (condition !== "default" && !conditions.includes(condition)) continue;
    const found = pick(inner, conditions);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a module imports by literal names, static or dynamic; examples in comments are none. */
export function importsOf(file) {
  const text = readFileSync(file, "utf8").replace(/\/\*[^]*?\*\//g, "");
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g);
  return [...new Set([...found].map(([, specifier]) => specifier))];
}
