// Helpers of all vector files: secrets, bodies, signatures made by Node's crypto, and expected events.
import { createHash, createHmac } from "node:crypto";

/** Returns a secret in clarife's form: a prefix and the base64 of 32 bytes. */
export const secretNumber = (n) => `whsec_${createHash("sha256").update(`clarife-webhooks vectors ${n}`).digest("base64")}`;
export const SECRET = secretNumber(1);
export const SECRET_2 = secretNumber(2);
export const SECRET_3 = secretNumber(3);

/** The time of the documentation's example header: 2024-03-28T08:00:00Z. */
export const T = 1711612800;
export const CREATED_AT = "2024-03-28T08:00:00Z";

export const KNOWN_TYPES = [
  "document.created", "document.updated", "document.deleted",
  "project.created", "project.updated", "project.deleted",
  "folder.created", "folder.updated", "folder.deleted",
  "media.uploaded",
  "generation.started", "generation.completed", "generation.failed",
  "share.created", "share.updated", "share.deleted",
];

// The forms of a body in a vector file.
export const text = (value) => ({ text: value });
export const hex = (bytes) => ({ hex: Buffer.from(bytes).toString("hex") });
export const repeated = (prefix, unit, count, suffix) => ({ prefix, unit, count, suffix });

export function bytesOf(body) {
  if (body.text !== undefined) return Buffer.from(body.text, "utf8");
  if (body.hex !== undefined) return Buffer.from(body.hex, "hex");
  return Buffer.from(body.prefix + body.unit.repeat(body.count) + body.suffix, "utf8");
}

/** Concatenates strings (as UTF-8) and byte arrays. */
export const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

export const mac = (body, key = SECRET) => createHmac("sha256", key).update(bytesOf(body)).digest("hex");
export const header = (body, t = T, ...keys) =>
  [`t=${t}`, ...(keys.length ? keys : [SECRET]).map((key) => `v1=${mac(body, key)}`)].join(",");

/** Returns the Unix seconds of a UTC time. `Date.UTC` reads years below 100 as 19xx, so the year is set separately. */
export function utc(year, month, day, hour = 0, minute = 0, second = 0) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime() / 1000;
}

/**
 * Returns the text of an envelope from the JSON texts of its members, in their order. `null` leaves a member out, and
 * other names are extra members.
 */
export function envelope(members = {}) {
  const all = {
    id: '"evt_1"', type: '"document.updated"', created_at: JSON.stringify(CREATED_AT), data: "{}", ...members,
  };
  const parts = Object.entries(all).filter(([, json]) => json !== null).map(([name, json]) => `"${name}":${json}`);
  return `{${parts.join(",")}}`;
}

/** Returns the expected event of the default envelope, with the differences. */
export function event(differs = {}) {
  const base = { id: "evt_1", type: "document.updated", known: true, createdAt: { seconds: T, nanos: 0 }, data: "{}" };
  return { event: { ...base, ...differs } };
}

export const BODY = text(envelope());
export const EVENT = event();

/** Returns the inputs of a body that is correctly signed at `t`, and verified at `t`. */
export const signed = (body, t = T) => ({ body, signature: header(body, t), now: t });

/** Returns the position after `before` as the message of an error writes it. */
export function place(before) {
  const lines = before.split("\n");
  return `line ${lines.length}, column ${Buffer.byteLength(lines.at(-1)) + 1}`;
}
