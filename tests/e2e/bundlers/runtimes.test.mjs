// Bundles of Bun and Deno.
import { join } from "node:path";
import { BUN, bundle, DENO, NODE, run, SOURCES } from "./harness.mjs";

const START_DENO = [DENO, "run", "--quiet", "--allow-net=127.0.0.1"];

for (const entry of SOURCES) {
  for (const flags of [[], ["--format=cjs", "--minify"], ["--bytecode"]]) {
    bundle(["bun build --target=bun", entry, ...flags].join(" "), [BUN, "receiver.js"], (out, project) =>
      run(BUN, ["build", "--target=bun", entry, "--outdir", out, ...flags], project),
    );
  }
  for (const format of ["cjs", "esm"]) {
    const file = format === "cjs" ? "receiver.cjs" : "receiver.mjs";
    bundle(`bun build --target=node --format=${format} ${entry}`, [NODE, file], (out, project) =>
      run(BUN, ["build", "--target=node", `--format=${format}`, entry, "--outfile", join(out, file)], project),
    );
  }
  for (const flags of [[], ["--minify"]]) {
    bundle(["deno bundle", entry, ...flags].join(" "), [...START_DENO, "receiver.js"], (out, project) =>
      run(DENO, ["bundle", "--quiet", entry, "--output", join(out, "receiver.js"), ...flags], project),
    );
  }
}
