// A page that verifies a stored delivery, for support and debugging.
import { Webhook, WebhookError } from "clarife-webhooks";

const form = document.querySelector("form");
const output = document.querySelector("output");

form.addEventListener("submit", (submission) => {
  submission.preventDefault();
  const { secret, signature, body } = Object.fromEntries(new FormData(form));
  try {
    // `now` is the time of the signature, because the delivery may be old.
    const now = Number(/t=(\d+)/.exec(signature)?.[1] ?? 0);
    const event = new Webhook(secret).verify(body, signature, { now });
    output.textContent = `authentic: ${event.type} ${event.id}, created ${event.created_at}`;
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    output.textContent = `${error.code}: ${error.message}; ${error.hint}`;
  }
});
