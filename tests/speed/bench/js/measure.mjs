// Measures with mitata, one contestant after another, in every runtime with a clock.
import { do_not_optimize, measure } from "mitata";

// A sample is 256 short calls. The result is the median of 12 samples or of 20 ms, whichever is more.
const OPTIONS = { batch_samples: 256, min_samples: 12, min_cpu_time: 20e6, gc: globalThis.gc ?? (() => {}) };

/** Measures every contestant at every job on one body, and returns a line for each. */
export async function race(contestants, { size, text }) {
  const lines = [];
  for (const job of ["route", "read", "reject"]) {
    for (const [contestant, jobs] of Object.entries(contestants)) {
      const run = jobs[job];
      const asynchronous = run() instanceof Promise;
      for (let end = Date.now() + 10; Date.now() < end; ) asynchronous ? await run() : run(); // until it is compiled
      const { p50 } = await measure(asynchronous ? async () => do_not_optimize(await run()) : () => do_not_optimize(run()), { ...OPTIONS });
      lines.push({ contestant, job, size, text, ns: p50 });
    }
  }
  return lines;
}
