// Standard Webhooks: verifying and signing with their three headers, and the keys of secrets (docs/protocol.md#section-5-3).
import { createHmac } from "node:crypto";

import { BODY, EVENT, SECRET, SECRET_2, SECRET_3, T, bytesOf, envelope, event, header, hex, repeated, text } from "./common.mjs";
import { VectorFile } from "./file.mjs";

const ID = "evt_1";
const keyOf = (secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64");
const mac = (body, { id = ID, t = T, secret = SECRET, key = keyOf(secret) } = {}) =>
  createHmac("sha256", key).update(`${id}.${t}.`).update(bytesOf(body)).digest();
const v1 = (body, of) => `v1,${mac(body, of).toString("base64")}`;
const headers = ({ id = ID, t = T, signature }) =>
  [["webhook-id", id], ["webhook-timestamp", t], ["webhook-signature", signature]]
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, String(value)]);

export function standard() {
  const file = new VectorFile(
    "standard",
    [
      "Standard Webhooks, with an `operation` for each group. `verify` verifies the headers of a request with a webhook that",
      "requires Standard Webhooks. `sign` signs, and the three headers must be exactly `id`, `timestamp` and `signature`. `construct`",
      "creates a webhook that requires them. `now` and `timestamp` are in Unix seconds.",
    ],
    {
      Valid: "An ordinary delivery that must be accepted.",
      Missing: "A header is absent or blank, whichever of the three.",
      Id: "The form of `webhook-id`: 1 to 4,096 characters of visible ASCII.",
      Timestamp: "The form of `webhook-timestamp`: 1 to 12 ASCII digits.",
      Signature: "The form of `webhook-signature`: versions, commas, base64, and 1 to 16 times v1.",
      Tolerance: "The bounds of the tolerance, both ways.",
      Covered: "The signature covers the id, the time and the body.",
      Key: "The key of a secret: the decoded base64 after `whsec_`.",
      Rotation: "Several secrets, several signatures.",
      SideBySide: "X-Clarife-Signature beside the three headers is ignored.",
      Joined: "Two headers of one name.",
      Order: "Several things are invalid: the first check decides.",
      EventAge: "The maximum event age applies here too.",
      Body: "Any bytes can be signed: signing does not read the body's content.",
    },
  );
  verifying(file);
  signing(file);
  constructing(file);
  return file;
}

function verifying(file) {
  const group = (webhook) => file.group({ operation: "verify", webhook });
  const good = (comment, flags, pairs, now = T, body = BODY, expected = EVENT) =>
    file.valid(comment, flags, { body, headers: pairs, now }, expected);
  const bad = (comment, flags, error, pairs, now = T, body = BODY) =>
    file.invalid(comment, flags, { body, headers: pairs, now }, error);
  const right = v1(BODY);
  const signed = headers({ signature: right });

  group({ secrets: [SECRET] });
  good("the three headers", "Valid", signed);
  good("the headers in another order and case", "Valid", [["WEBHOOK-SIGNATURE", right], ["Webhook-Timestamp", String(T)], ["Webhook-Id", ID], ["Content-Type", "application/json"]]);
  good("white space around each value", "Valid", headers({ id: ` ${ID}\t`, t: ` ${T} `, signature: `\t${right} ` }));
  const wide = text(envelope({ data: '{"title":"Za\u017c\u00f3\u0142\u0107 \u{1f511}"}' }));
  good("a body outside ASCII", "Valid", headers({ signature: v1(wide) }), T, wide, event({ data: '{"title":"Za\u017c\u00f3\u0142\u0107 \u{1f511}"}' }));
  good("an id other than the event's: both are signed", "Valid", headers({ id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", signature: v1(BODY, { id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W" }) }));
  bad("correctly signed, and not an event", "Valid", "malformed_payload", headers({ signature: v1(text("{}")) }), T, text("{}"));

  bad("no header at all", "Missing", "missing_signature", []);
  bad("no id", "Missing", "missing_signature", headers({ id: null, signature: right }));
  bad("no timestamp", "Missing", "missing_signature", headers({ t: null, signature: right }));
  bad("no signature", "Missing", "missing_signature", headers({}));
  bad("an empty id", "Missing", "missing_signature", headers({ id: "", signature: right }));
  bad("a blank timestamp", "Missing", "missing_signature", headers({ t: " \t", signature: right }));
  bad("a blank signature", "Missing", "missing_signature", headers({ signature: "  " }));
  bad("only X-Clarife-Signature", ["Missing", "SideBySide"], "missing_signature", [["X-Clarife-Signature", header(BODY)]]);

  const withId = (id) => headers({ id, signature: v1(BODY, { id }) });
  good("an id of one character", "Id", withId("1"));
  good("every kind of visible ASCII", "Id", withId("!#$%&'*+-.^_`|~09azAZ:/?,;=\"(){}[]<>@\\"));
  good("an id with dots, which separate the signed parts", "Id", withId("a.b.1711612800"));
  good("an id of 4,096 characters", "Id", withId("x".repeat(4096)));
  bad("an id of 4,097 characters", "Id", "malformed_signature", withId("x".repeat(4097)));
  bad("an id with a space inside", "Id", "malformed_signature", withId("evt 1"));
  bad("an id with a tab inside", "Id", "malformed_signature", withId("evt\t1"));
  bad("an id outside ASCII", "Id", "malformed_signature", withId("evt_\u00e9"));

  const withTime = (digits) => headers({ t: digits, signature: v1(BODY, { t: digits }) });
  good("leading zeros, signed as sent", "Timestamp", withTime(`00${T}`));
  bad("a leading zero that was not signed", ["Timestamp", "Covered"], "signature_mismatch", headers({ t: `0${T}`, signature: right }));
  for (const [what, digits] of [
    ["a plus sign", `+${T}`], ["a minus sign", `-${T}`], ["a fraction", `${T}.5`], ["hexadecimal", "0x66052B80"], ["an exponent", "1e9"],
    ["an underscore", "1711_612800"], ["a space inside", "1711 612800"], ["13 digits", `000${T}`], ["a letter", `${T}s`], ["a date", "2024-03-28T08:00:00Z"],
  ]) bad(what, "Timestamp", "malformed_signature", withTime(digits));

  const withSignature = (signature) => headers({ signature });
  const other = `v1,${Buffer.alloc(32).toString("base64")}`;
  good("the second of two signatures", "Signature", withSignature(`${other} ${right}`));
  good("a signature of another version beside it", "Signature", withSignature(`v1a,bm90IGNoZWNrZWQ= ${right}`));
  good("a later version of unknown form", "Signature", withSignature(`v2,what=ever,it,is ${right}`));
  good("several spaces between", "Signature", withSignature(`${other}   ${right}`));
  good("the last of 16", "Signature", withSignature([...Array(15).fill(other), right].join(" ")));
  bad("17 signatures", "Signature", "malformed_signature", withSignature([...Array(16).fill(other), right].join(" ")));
  good("16 signatures, and one of another version", "Signature", withSignature([...Array(15).fill(other), right, "v3,x"].join(" ")));
  const padded = (length) => `${right} ${"v9,".padEnd(length - right.length - 1, "x")}`;
  good("4,096 bytes", "Signature", withSignature(padded(4096)));
  bad("4,097 bytes", "Signature", "malformed_signature", withSignature(padded(4097)));
  bad("only a signature of another version", "Signature", "malformed_signature", withSignature("v1a,bm90IGNoZWNrZWQ="));
  bad("a version in upper case is another version", "Signature", "malformed_signature", withSignature(`V1${right.slice(2)}`));
  bad("no version", "Signature", "malformed_signature", withSignature(right.slice(3)));
  bad("an empty version", "Signature", "malformed_signature", withSignature(right.slice(2)));
  bad("an equals sign in place of the comma", "Signature", "malformed_signature", withSignature(right.replace(",", "=")));
  bad("an element without a comma beside a good one", "Signature", "malformed_signature", withSignature(`${right} v2`));
  bad("no base64 after the comma", "Signature", "malformed_signature", withSignature("v1,"));
  bad("a malformed v1 beside a good one", "Signature", "malformed_signature", withSignature(`${right} v1,????`));
  bad("without padding", "Signature", "malformed_signature", withSignature(right.replace("=", "")));
  bad("with padding that must not be there", "Signature", "malformed_signature", withSignature(`${right}=`));
  bad("bits beyond the last byte", "Signature", "malformed_signature", withSignature(nonCanonical(right)));
  const urlSafe = [...Array(64).keys()].map((n) => `evt_${n}`).find((id) => /[+/]/.test(v1(BODY, { id })));
  bad("base64url", "Signature", "malformed_signature", headers({ id: urlSafe, signature: v1(BODY, { id: urlSafe }).replaceAll("+", "-").replaceAll("/", "_") }));
  bad("31 bytes", "Signature", "malformed_signature", withSignature(`v1,${mac(BODY).subarray(0, 31).toString("base64")}`));
  bad("33 bytes", "Signature", "malformed_signature", withSignature(`v1,${Buffer.concat([mac(BODY), Buffer.of(0)]).toString("base64")}`));
  bad("in hex", "Signature", "malformed_signature", withSignature(`v1,${mac(BODY).toString("hex")}`));
  bad("outside ASCII", "Signature", "malformed_signature", withSignature(`${right} v2,\u00e9`));
  bad("the right signature with a bit changed", "Signature", "signature_mismatch", withSignature(`v1,${flipped(mac(BODY)).toString("base64")}`));

  for (const [comment, now] of [["300 s old", T + 300], ["300 s ahead", T - 300]]) good(comment, "Tolerance", signed, now);
  bad("301 s old", "Tolerance", "timestamp_too_old", signed, T + 301);
  bad("301 s ahead", "Tolerance", "timestamp_in_future", signed, T - 301);
  bad("the largest time", "Tolerance", "timestamp_in_future", withTime("999999999999"));

  bad("another id", "Covered", "signature_mismatch", headers({ id: "evt_2", signature: right }));
  bad("another time within the tolerance: it is signed here", "Covered", "signature_mismatch", headers({ t: T + 1, signature: right }), T + 1);
  bad("another body", "Covered", "signature_mismatch", signed, T, text(`${envelope()} `));
  bad("signed without the id", "Covered", "signature_mismatch", withSignature(`v1,${createHmac("sha256", keyOf(SECRET)).update(`${T}.${envelope()}`).digest("base64")}`));
  bad("signed over the body alone", "Covered", "signature_mismatch", withSignature(`v1,${createHmac("sha256", keyOf(SECRET)).update(envelope()).digest("base64")}`));
  bad("signed with the secret's text", "Key", "signature_mismatch", withSignature(v1(BODY, { key: SECRET })));
  bad("signed with the base64's text", "Key", "signature_mismatch", withSignature(v1(BODY, { key: SECRET.slice(6) })));
  bad("signed with another secret", "Key", "signature_mismatch", withSignature(v1(BODY, { secret: SECRET_2 })));

  good("a right X-Clarife-Signature beside them", "SideBySide", [...signed, ["X-Clarife-Signature", header(BODY)]]);
  good("a wrong X-Clarife-Signature beside them", "SideBySide", [...signed, ["X-Clarife-Signature", "t=1,v1=00"]]);
  bad("a right X-Clarife-Signature beside wrong ones", "SideBySide", "signature_mismatch", [...withSignature(other), ["X-Clarife-Signature", header(BODY)]]);

  bad("two ids", "Joined", "malformed_signature", [["webhook-id", ID], ...signed]);
  bad("two timestamps", "Joined", "malformed_signature", [["webhook-timestamp", String(T)], ...signed]);
  bad("two signatures in headers of their own", "Joined", "malformed_signature", [...signed, ["webhook-signature", right]]);

  bad("no id and a malformed timestamp", "Order", "missing_signature", headers({ id: null, t: "x", signature: right }));
  bad("no signature and a malformed id", "Order", "missing_signature", headers({ id: "a b" }));
  bad("a malformed signature, and too old", "Order", "malformed_signature", withSignature("v1"), T + 301);
  bad("too old, and a wrong signature", "Order", "timestamp_too_old", withSignature(other), T + 301);
  bad("a wrong signature, and no event", "Order", "signature_mismatch", withSignature(other), T, text("{}"));

  group({ secrets: [SECRET], tolerance: 0 });
  good("tolerance 0: the same second", "Tolerance", signed);
  bad("tolerance 0: one second old", "Tolerance", "timestamp_too_old", signed, T + 1);
  group({ secrets: [SECRET], maxEventAge: 900 });
  const late = (now) => headers({ t: now, signature: v1(BODY, { t: now }) });
  good("created 900 s ago, signed now", "EventAge", late(T + 900), T + 900);
  bad("created 901 s ago, signed now", "EventAge", "event_too_old", late(T + 901), T + 901);
  group({ secrets: [SECRET, SECRET_2] });
  good("signed with the first secret", "Rotation", signed);
  good("signed with the second secret", "Rotation", headers({ signature: v1(BODY, { secret: SECRET_2 }) }));
  good("signed with an unknown one and the second", "Rotation", headers({ signature: `${v1(BODY, { secret: SECRET_3 })} ${v1(BODY, { secret: SECRET_2 })}` }));
  bad("signed with a third", "Rotation", "signature_mismatch", headers({ signature: v1(BODY, { secret: SECRET_3 }) }));
  group({ secrets: [SECRET.slice(6)] });
  good("a secret without the prefix has the same key", "Key", signed);
}

function signing(file) {
  file.group({ operation: "sign" });
  const good = (comment, flags, body, { id = ID, timestamp = T, secrets = [SECRET] } = {}) => {
    const signature = secrets.map((secret) => v1(body, { id, t: timestamp, secret })).join(" ");
    file.valid(`signing: ${comment}`, flags, { secrets, body, id, timestamp }, { signature });
  };
  const bad = (comment, flags, error, { id = ID, timestamp = T, secrets = [SECRET] }) =>
    file.invalid(`signing: ${comment}`, flags, { secrets, body: BODY, id, timestamp }, error);
  good("an event", "Valid", BODY);
  good("two secrets, newest first", "Rotation", BODY, { secrets: [SECRET, SECRET_2] });
  good("two secrets in the other order", "Rotation", BODY, { secrets: [SECRET_2, SECRET] });
  good("a secret without the prefix", "Key", BODY, { secrets: [SECRET.slice(6)] });
  good("a key of one byte", "Key", BODY, { secrets: ["whsec_AA=="] });
  good("a key of a block", "Key", BODY, { secrets: [`whsec_${Buffer.alloc(64, 7).toString("base64")}`] });
  good("a key longer than a block", "Key", BODY, { secrets: [`whsec_${Buffer.alloc(65, 7).toString("base64")}`] });
  good("an empty body", "Body", text(""));
  good("bytes that are not UTF-8", "Body", hex([0xff, 0xfe, 0xc0, 0x80]));
  good("a mebibyte", "Body", repeated("", "abcdefgh", 131072, ""));
  good("an id of 4,096 characters", "Id", BODY, { id: "x".repeat(4096) });
  good("an id with a dot", "Id", BODY, { id: "evt.1" });
  bad("an empty id", "Id", "invalid_id", { id: "" });
  bad("an id with a space", "Id", "invalid_id", { id: "evt 1" });
  bad("an id that ends with a line feed", "Id", "invalid_id", { id: "evt_1\n" });
  bad("an id outside ASCII", "Id", "invalid_id", { id: "evt_\u00e9" });
  bad("an id of 4,097 characters", "Id", "invalid_id", { id: "x".repeat(4097) });
  good("the first second", "Timestamp", BODY, { timestamp: 0 });
  good("the largest of 12 digits", "Timestamp", BODY, { timestamp: 999999999999 });
  bad("minus one", "Timestamp", "invalid_timestamp", { timestamp: -1 });
  bad("13 digits", "Timestamp", "invalid_timestamp", { timestamp: 1000000000000 });
  bad("a secret that is not base64", "Key", "invalid_secret", { secrets: ["correct horse battery staple"] });
  bad("a second secret that is not base64", ["Key", "Rotation"], "invalid_secret", { secrets: [SECRET, "?"] });
}

function constructing(file) {
  file.group({ operation: "construct" });
  const good = (comment, flags, ...secrets) => file.valid(`secret: ${comment}`, flags, { secrets });
  const bad = (comment, flags, ...secrets) => file.invalid(`secret: ${comment}`, flags, { secrets }, "invalid_secret");
  const base64 = SECRET.slice(6);
  good("clarife's form", "Key", SECRET);
  good("without the prefix", "Key", base64);
  good("one byte", "Key", "whsec_AA==");
  good("two bytes", "Key", "whsec_AAA=");
  good("three bytes", "Key", "whsec_AAAA");
  good("a thousand bytes", "Key", Buffer.alloc(1000, 1).toString("base64"));
  good("two secrets", "Rotation", SECRET, SECRET_2);
  bad("only the prefix", "Key", "whsec_");
  bad("the prefix twice", "Key", `whsec_${SECRET}`);
  bad("the prefix in upper case", "Key", `WHSEC_${base64}`);
  bad("a space inside", "Key", `whsec_${base64.slice(0, 8)} ${base64.slice(8)}`);
  bad("without padding", "Key", SECRET.replace("=", ""));
  bad("with padding that must not be there", "Key", `${SECRET}=`);
  bad("padding alone", "Key", "whsec_====");
  bad("padding inside", "Key", "whsec_AA==AAAA");
  bad("one digit", "Key", "whsec_A");
  bad("bits beyond the last byte", "Key", "whsec_AB==");
  bad("base64url", "Key", `whsec_${Buffer.alloc(30, 0xfb).toString("base64url")}`);
  bad("text that is not base64", "Key", "correct horse battery staple");
  bad("outside ASCII", "Key", "whsec_AAA\u00e9");
  bad("a full-width digit", "Key", "whsec_AAA\uff21");
  bad("the second of two", "Rotation", SECRET, "whsec_?");
  bad("the first of two", "Rotation", "whsec_?", SECRET);
}

/** Returns base64 of equal bytes, whose last digit has unused bits set. */
function nonCanonical(base64) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return `${base64.slice(0, -2)}${alphabet[alphabet.indexOf(base64.at(-2)) + 1]}=`;
}

function flipped(bytes) {
  bytes[31] ^= 1;
  return bytes;
}
