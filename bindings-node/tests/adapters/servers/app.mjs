// What every server of these tests does with a delivery, in whatever framework: the same webhook, handlers and routes.
import { Handlers, MemoryStore, Webhook } from "clarife-webhooks";

export const SECRET = "whsec_c2VjcmV0IG9mIHRoZSBhZGFwdGVycw==";

export const webhook = new Webhook(SECRET);

/** How often the handler has run, by the event's id. */
export const ran = {};

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** What the handler does with an event is the event's own wish. */
export const handlers = new Handlers()
  .on("document.updated", async (event) => {
    ran[event.id] = (ran[event.id] ?? 0) + 1;
    if (event.data.title === "throw") throw new Error("as the test wants it");
    if (event.data.title === "wait") await wait(200);
    if (event.data.title === "hang") await wait(3_600_000);
    // The first time only: the retry is handled.
    if (event.data.title === "throw once" && ran[event.id] === 1) throw new Error("as the test wants it");
  })
  .otherwise((event) => {
    ran[event.id] = (ran[event.id] ?? 0) + 1;
  });

const quiet = () => {};
export const down = { claim: () => Promise.reject(new Error("down")), complete() {}, release() {} };

/** Options by route. */
export const routes = {
  "/hooks": { onError: quiet },
  "/small": { onError: quiet, maxBodyBytes: 1000 },
  "/dedup": { onError: quiet, dedup: new MemoryStore() },
  "/down": { onError: quiet, dedup: down },
};

/** Where a route has the framework's own parser before it. It reports errors as a server does that sets nothing. */
export const PARSED = "/parsed";

/** Tells the test where the server is. */
export const ready = (port) => console.log(JSON.stringify({ port }));
