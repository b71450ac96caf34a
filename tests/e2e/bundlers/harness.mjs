// Builds the receiver with a bundler, and starts the output alone: in a new folder, from another working directory, and
// without the project from which it was built.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

const exec = promisify(execFile);
const temporary = mkdtempSync(join(tmpdir(), "clarife-webhooks-bundlers-"));
after(() => rmSync(temporary, { recursive: true }));

/** The receiver as an ES module and in CommonJS. */
export const SOURCES = ["receiver.mjs", "receiver.cjs"];
/** The programs of Node.js, and of Bun and Deno, which `xtask/tools/package.json` pins. */
export const NODE = process.execPath;
export const BUN = join(process.env.TOOLS ?? "", "bun");
export const DENO = join(process.env.TOOLS ?? "", "deno");
/** The programs of this project's packages. */
export const tool = (name) => join(import.meta.dirname, "node_modules/.bin", name);

/** Runs a program to its end, and returns its output and errors. */
export async function run(command, args, cwd) {
  const { stdout, stderr } = await exec(command, args, { cwd });
  return stdout + stderr;
}

const folder = () => mkdtempSync(join(temporary, "folder-"));

/**
 * Tests a bundler. `build` writes into a folder, given that and the folder of the receiver's project, and returns the
 * bundler's messages, which must not warn. `command` starts the output, and ends with a file in the folder.
 */
export function bundle(name, command, build, engine = "wasm") {
  test(`${name}: ${engine}`, async () => {
    const [project, out, moved] = [folder(), join(folder(), "out"), join(folder(), "moved")];
    mkdirSync(out);
    for (const file of [...SOURCES, "node_modules/clarife-webhooks"]) {
      cpSync(join(import.meta.dirname, file), join(project, file), { recursive: true });
    }
    writeFileSync(join(project, "package.json"), '{"private": true, "dependencies": {"clarife-webhooks": "*"}}');
    assert.doesNotMatch((await build(out, project)) ?? "", /warn/i);
    rmSync(project, { recursive: true });
    renameSync(out, moved);
    const [program, ...args] = [...command.slice(0, -1), join(moved, command.at(-1))];
    const expected = `document.updated ${engine}\n200 handled\n400 signature_mismatch\n`;
    assert.equal(await run(program, args, folder()), expected);
  });
}
