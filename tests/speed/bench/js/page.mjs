// Runs in Chromium: fetches the bodies, measures, and keeps the results for chromium.mjs.
import * as api from "clarife-webhooks";

import { everywhere } from "./everywhere.mjs";

try {
  const bodies = await (await fetch("/bodies")).json();
  for (const body of bodies) body.bytes = new Uint8Array(await (await fetch(`/bodies/${body.size}-${body.text}`)).arrayBuffer());
  globalThis.result = { lines: await everywhere(api, bodies) };
} catch (error) {
  globalThis.result = { error: String(error?.stack ?? error) };
}
