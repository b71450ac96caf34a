// Measures the SDK and WebCrypto in any runtime with a clock, for the command line and for a page in Chromium.
import { sdk, tryAll, webCrypto } from "./contestants.mjs";
import { race } from "./measure.mjs";

/** Returns the results for bodies `{ size, text, bytes }`. */
export async function everywhere(api, bodies) {
  const lines = [];
  for (const body of bodies) {
    const contestants = { "clarife-webhooks": sdk(api, body.bytes), "by hand, WebCrypto": await webCrypto(api, body.bytes) };
    await tryAll(contestants, JSON.parse(new TextDecoder().decode(body.bytes)));
    lines.push(...(await race(contestants, body)));
  }
  return lines;
}
