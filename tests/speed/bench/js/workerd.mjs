// node workerd.mjs <URL of the worker> <folder of bodies>: measures worker.mjs from outside.
import process from "node:process";

import { bodies, print } from "./bodies.mjs";

const [, , url, folder] = process.argv;
const SLICE = 40; // milliseconds in the worker, long beside a request

async function ask(path, init) {
  const response = await fetch(`${url}${path}`, init);
  if ((await response.text()) !== "done") throw new Error(`${path} was answered ${response.status}`);
}

async function time(path, calls) {
  const start = performance.now();
  await ask(`${path}&calls=${calls}`, { method: "POST" });
  return performance.now() - start;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Returns the nanoseconds of one call, without those of the request. */
async function measure(path) {
  const several = async (calls) => median([await time(path, calls), await time(path, calls), await time(path, calls)]);
  let calls = 1;
  while ((await time(path, calls)) < SLICE / 4) calls *= 4; // compiles the call too
  calls *= 4;
  return ((await several(calls)) - (await several(0))) / calls * 1e6;
}

for (const { size, text, bytes } of bodies(folder)) {
  const name = `${size}-${text}`;
  await ask(`/?name=${name}`, { method: "PUT", body: bytes });
  for (const job of ["route", "read", "reject"]) {
    for (const contestant of ["clarife-webhooks", "by hand, WebCrypto"]) {
      const path = `/?${new URLSearchParams({ name, contestant, job })}`;
      print([{ contestant, job, size, text, ns: await measure(path) }]);
    }
  }
}
print([{ contestant: "clarife-webhooks", job: "instantiate", size: 0, text: "", ns: await measure("/instantiate?") }]);
