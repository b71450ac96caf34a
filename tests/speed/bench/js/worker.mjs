// The SDK beside WebCrypto in workerd. A worker's clock stops while it computes, so workerd.mjs measures:
// PUT /?name=<name> stores a body, POST /?name=&contestant=&job=&calls= repeats a job, POST /instantiate?calls= creates instances.
import * as api from "clarife-webhooks";

import { sdk, tryAll, webCrypto } from "./contestants.mjs";
import module from "./node_modules/clarife-webhooks/dist/clarife_webhooks.wasm";

const prepared = new Map();

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const [name, contestant, job] = ["name", "contestant", "job"].map((parameter) => searchParams.get(parameter));
    const calls = Number(searchParams.get("calls"));
    if (pathname === "/instantiate") {
      for (let call = 0; call < calls; call++) new WebAssembly.Instance(module);
    } else if (request.method === "PUT") {
      const body = new Uint8Array(await request.arrayBuffer());
      const contestants = { "clarife-webhooks": sdk(api, body), "by hand, WebCrypto": await webCrypto(api, body) };
      await tryAll(contestants, JSON.parse(new TextDecoder().decode(body)));
      prepared.set(name, contestants);
    } else {
      const run = prepared.get(name)[contestant][job];
      const asynchronous = run() instanceof Promise;
      for (let call = 0; call < calls; call++) asynchronous ? await run() : run();
    }
    return new Response("done");
  },
};
