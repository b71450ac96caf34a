// The webhook, handlers and routes of every server, in each framework.
import { Handlers, MemoryStore, Webhook } from "clarife-webhooks";

export const SECRET = "whsec_c2VjcmV0IG9mIHRoZSBhZGFwdGVycw==";

export const webhook = new Webhook(SECRET);

/** The number of the handler's runs, by the event's id. */
export const ran = {};

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** The handlers. The event's title selects the outcome. */
export const handlers = new Handlers()
  .on("document.updated", async (event) => {
    ran[event.id] = (ran[event.id] ?? 0) + 1;
    if (event.data.title === "throw") throw new Error("as the title says");
    if (event.data.title === "wait") await wait(200);
    if (event.data.title === "hang") await wait(3_600_000);
    // Only the first time, so the retry is handled.
    if (event.data.title === "throw once" && ran[event.id] === 1) throw new Error("as the title says");
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
  "/logged": undefined,
};

/** A route behind the framework's own parser, without an `onError`. */
export const PARSED = "/parsed";

/** Prints the port for the test. */
export const ready = (port) => console.log(JSON.stringify({ port }));
