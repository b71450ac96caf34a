// Installs the npm package into an empty project, and checks it there in a new process.
//
//     node smoke.mjs <archive, folder or name> <native|wasm>
//     node smoke.mjs --installed <project> <native|wasm>      without npm, in a project that has the package
//
// SMOKE_NODE is the command that runs the check, for example an emulator with its options and another Node.js. Its words
// are separated by spaces.
import { execSync, spawnSync } from "node:child_process";
import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { installed: { type: "string" } } });
const [engine, spec] = positionals.reverse();
if (!["native", "wasm"].includes(engine) || (spec === undefined) === (values.installed === undefined)) {
  console.error("usage: smoke.mjs <archive, folder or name> <native|wasm> | --installed <project> <native|wasm>");
  process.exit(2);
}
process.exitCode = values.installed ? check(resolve(values.installed)) : installAndCheck();

function installAndCheck() {
  const project = mkdtempSync(join(tmpdir(), "smoke-"));
  try {
    writeFileSync(join(project, "package.json"), '{ "private": true }\n');
    const path = existsSync(spec) ? resolve(spec) : spec;
    // In a shell, because npm is a script on Windows. --install-links copies a folder, as from an archive.
    execSync(`npm install --no-audit --no-fund --install-links "${path}"`, { cwd: project, stdio: "inherit" });
    return check(project);
  } finally {
    // Windows holds the file of the addon for a moment after its process has ended.
    rmSync(project, { recursive: true, maxRetries: 10 });
  }
}

/** Runs the check in a project, prints its output and returns its exit code. */
function check(project) {
  const [script, log] = ["smoke-check.mjs", "smoke.log"];
  copyFileSync(fileURLToPath(new URL(script, import.meta.url)), join(project, script));
  const [program, ...words] = process.env.SMOKE_NODE?.split(" ") ?? [process.execPath];
  // Into a file, because node.exe under Wine writes nothing into a pipe.
  const output = openSync(join(project, log), "w");
  const { status, signal, error } = spawnSync(program, [...words, script, engine], {
    cwd: project,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  process.stdout.write(readFileSync(join(project, log)));
  if (status === null) console.error(`${program} did not finish: ${error ?? signal}`);
  rmSync(join(project, script));
  rmSync(join(project, log));
  return status ?? 1;
}
