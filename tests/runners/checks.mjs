// Checks of bodies, events and errors, for every runtime.

export function refuse(message) {
  throw new Error(message);
}

export function same(what, got, expected) {
  if (!equal(got, expected)) refuse(`${what}: ${show(got)} instead of ${show(expected)}`);
}

const show = (value) => {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 200 ? `${json.slice(0, 200)}…` : json;
};

function equal(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name], b[name]));
}

/** Returns the bytes of a body of the vector files. */
export function bytesOf(body) {
  if (body.hex !== undefined) return Uint8Array.from(body.hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  return new TextEncoder().encode(textOf(body));
}

const textOf = (body) => body.text ?? (body.hex === undefined ? body.prefix + body.unit.repeat(body.count) + body.suffix : undefined);

/**
 * Returns functions that create a body in every form. `spoil` overwrites the body, and an event that was read from it must
 * not change.
 */
export function bodyForms(body) {
  const bytes = bytesOf(body);
  const text = textOf(body);
  const copy = () => {
    const view = bytes.slice();
    return { view, spoil: () => view.fill(0x20) };
  };
  return [
    () => {
      const { view, spoil } = copy();
      return { body: view, spoil };
    },
    () => {
      const { view, spoil } = copy();
      return { body: view.buffer, spoil };
    },
    () => {
      // A view into the middle of a larger buffer, as Node's small Buffers are.
      const large = new Uint8Array(bytes.length + 24).fill(0x7b);
      large.set(bytes, 8);
      return { body: new DataView(large.buffer, 8, bytes.length), spoil: () => large.fill(0x20) };
    },
    ...(text === undefined ? [] : [() => ({ body: text })]),
  ];
}

export function checkEvent(sdk, event, { event: expected, body }) {
  same("id", event.id, expected.id);
  same("type", event.type, expected.type);
  same("known", sdk.isKnownEventType(event.type), expected.known);
  const text = textOf(body) ?? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytesOf(body));
  same("created_at", event.created_at, JSON.parse(text).created_at);
  if (event.raw !== text) refuse("raw is not the body's text");
  same("data", event.data, JSON.parse(expected.data ?? text.slice(text.indexOf('"data":') + 7, -1)));
  if (event.data !== event.data) refuse("every access parses data");
  same("own members", Object.keys(event).sort(), ["created_at", "data", "id", "type"]);
}

export function checkError(sdk, error, { error: code, where }, secrets) {
  if (error === undefined) refuse(`accepted instead of ${code}`);
  if (!(error instanceof sdk.WebhookError)) throw error;
  if (!(error instanceof Error) || error.name !== "WebhookError") refuse("the error is not an Error named WebhookError");
  same("code", error.code, code);
  const { message, hint } = error;
  if (typeof hint !== "string" || hint === "") refuse("the error has no hint");
  if (!/^[a-z][^\n]*[^.\n]$/.test(message) || message.includes("evt_")) refuse(`the message is not in the style: ${message}`);
  for (const secret of secrets) {
    const core = secret.trim().replace(/^whsec_/, ""); // the hint contains the prefix
    if (core.length > 4 && `${message} ${hint} ${error.stack}`.includes(core)) refuse("the error shows the secret");
  }
  if (code !== "malformed_payload") return;
  const place = message.slice(message.lastIndexOf(" at ") + 4);
  if (!/^(\$[a-z_.]*|line \d+, column \d+)$/.test(place)) refuse(`the message has no position: ${message}`);
  if (where !== undefined) same("place", place, where);
}
