// A receiver under test: deliveries, their responses, and the log.
import { api, BODY, SECRET } from "./api.mjs";

export const webhook = new api.Webhook(SECRET);
export const { id } = JSON.parse(BODY);
export const headersOf = (body, from = webhook) => ({ "X-Clarife-Signature": from.sign(body) });
export const quiet = () => {};

/** Receives a delivery, and returns the response with its status and code as a text, and all reports. */
export async function receive(handler, options, { body = BODY, headers = headersOf(body), method, from = webhook } = {}) {
  const reports = [];
  const onError = (error, context) => reports.push([error, context]);
  const response = await from.rawReceiver(handler, { onError, ...options })(body, headers, method);
  return { ...response, is: `${response.status} ${response.code}`, reports };
}

/** Records the lines of the log. The returned function returns the lines since its last call. */
export function watchLog(t) {
  let lines = [];
  for (const level of ["error", "warn"]) t.mock.method(console, level, (...values) => lines.push([level, ...values]));
  return () => lines.splice(0);
}
