// The entry and the modules of an installed package in a runtime other than Node, for a server or a configuration.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Returns the folder of an installed package, resolved from `from` as in Node. */
export function packageFolder(name, from) {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed in ${from} or above`);
  }
}

/** Returns the file of `import "<name>"` under these conditions. */
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

/** Returns the literal names of a module's imports, static or dynamic, without those in comments. */
export function importsOf(file) {
  const text = readFileSync(file, "utf8").replace(/\/\*[^]*?\*\//g, "");
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"'\n]+)["']/g);
  return [...new Set([...found].map(([, specifier]) => specifier))];
}
