// The bodies of xtask: <size>-<text>.json in a folder.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export function bodies(folder) {
  const found = readdirSync(folder).map((file) => {
    const [, size, text] = /^(\d+)-(\w+)\.json$/.exec(file);
    return { size: Number(size), text, bytes: new Uint8Array(readFileSync(join(folder, file))) };
  });
  return found.sort((a, b) => a.size - b.size || a.text.localeCompare(b.text));
}

export function print(lines) {
  for (const line of lines) console.log(JSON.stringify(line));
}
