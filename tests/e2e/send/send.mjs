// Sends a signed sample event to a receiver on this machine.
import { sampleEvent, signedRequest } from "clarife-webhooks/testing";

const url = process.argv[2] ?? "http://127.0.0.1:3000/webhooks/clarife";
const secret = process.env.CLARIFE_WEBHOOK_SECRET;
const response = await fetch(url, signedRequest(sampleEvent("document.updated"), { secret }));
console.log(response.status, await response.text());
