// An application's handler, and its receiver with the options that tests set.
import { MemoryStore, Webhook } from "clarife-webhooks";

export function makeReceiver({ secret, index, clock }) {
  const webhook = new Webhook(secret, { maxEventAge: 900, clock });
  return webhook.receiver(
    async (event) => {
      if (event.type === "document.updated") await index(event.data.title);
    },
    { dedup: new MemoryStore({ clock }) },
  );
}
