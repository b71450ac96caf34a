// A page that verifies a delivery which somebody has at hand, for support and debugging.
import { Webhook, WebhookError } from "clarife-webhooks";

const form = document.querySelector("form");
const output = document.querySelector("output");

form.addEventListener("submit", (submission) => {
  submission.preventDefault();
  const { secret, signature, body } = Object.fromEntries(new FormData(form));
  try {
    // `now` is when it was signed: it may be an old one.
    const now = Number(/t=(\d+)/.exec(signature)?.[1] ?? 0);
    const event = new Webhook(secret).verify(body, signature, { now });
    output.textContent = `authentic: ${event.type} ${event.id}, created ${event.created_at}`;
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    output.textContent = `${error.code}: ${error.message}; ${error.hint}`;
  }
});
