#!/usr/bin/env node
// Runs the program of this platform's package: clarife-sender-linux-x64, clarife-sender-win32-arm64 and so on.
"use strict";

const { spawn } = require("node:child_process");

const { optionalDependencies } = require("./package.json");

const platform = `clarife-sender-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "clarife-sender.exe" : "clarife-sender";

function programPath() {
  try {
    return require.resolve(`${platform}/${file}`);
  } catch {
    const names = Object.keys(optionalDependencies).map((name) => name.replace("clarife-sender-", ""));
    const system = platform.replace("clarife-sender-", "");
    console.error(
      names.includes(system)
        ? `error: cannot find the package ${platform}: npm did not install it. Install without --omit=optional, and ` +
            "delete package-lock.json if another system wrote it"
        : `error: cannot run on ${system}: the platforms are ${names.join(", ")}. Elsewhere, \`cargo install clarife-sender\` builds it`,
    );
    process.exit(1);
  }
}

const program = programPath();
const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
process.on("SIGINT", () => {}); // the terminal sends Ctrl+C to the program too, which then ends
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`error: cannot run ${program}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exitCode = code;
  }
});
