// Single-file executables. Each takes about ten seconds.
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import esbuild from "esbuild";
import { BUN, bundle, NODE, run, SOURCES, tool } from "./harness.mjs";

/** The name of the place for a program in Node's executable, from its documentation. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

for (const entry of SOURCES) {
  bundle(`bun build --compile ${entry}`, ["receiver"], (out, project) =>
    run(BUN, ["build", "--compile", entry, "--outfile", join(out, "receiver")], project),
  );
}
for (const useCodeCache of [false, true]) {
  bundle(`node --experimental-sea-config, useCodeCache: ${useCodeCache}`, ["receiver"], async (out, project) => {
    const [main, output, config] = ["main.cjs", "main.blob", "config.json"].map((name) => join(project, name));
    const program = join(out, "receiver");
    await esbuild.build({ absWorkingDir: project, bundle: true, entryPoints: ["receiver.mjs"], outfile: main, platform: "node" });
    writeFileSync(config, JSON.stringify({ disableExperimentalSEAWarning: true, main, output, useCodeCache }));
    await run(NODE, ["--experimental-sea-config", config], project);
    copyFileSync(NODE, program);
    chmodSync(program, 0o755);
    await run(tool("postject"), [program, "NODE_SEA_BLOB", output, "--sentinel-fuse", FUSE], project);
  });
}
