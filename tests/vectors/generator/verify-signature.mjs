// The signed message, the key and the construction.
import { createHash, createHmac } from "node:crypto";

import {
  BODY, EVENT, SECRET, SECRET_2, SECRET_3, T, bytes, bytesOf, envelope, event, header, hex, mac, repeated, signed, text,
} from "./common.mjs";

const flip = (digits, index, bit) =>
  digits.slice(0, index) + (Number.parseInt(digits[index], 16) ^ bit).toString(16) + digits.slice(index + 1);
const v1 = (...values) => [`t=${T}`, ...values.map((value) => `v1=${value}`)].join(",");

export function signatures(file) {
  const GOOD = mac(BODY);
  file.group({ webhook: { secrets: [SECRET] } });
  const wrong = (comment, flags, signature, body = BODY) =>
    file.invalid(comment, flags, { body, signature, now: T }, "signature_mismatch");
  const keyed = (key) => v1(mac(BODY, key));

  wrong("another secret", "WrongKey", keyed(SECRET_2));
  wrong("the empty key", "WrongKey", keyed(""));
  wrong("the secret without its prefix", "WrongKey", keyed(SECRET.slice(6)));
  wrong("the decoded base64 part, as in Standard Webhooks", "WrongKey", keyed(Buffer.from(SECRET.slice(6), "base64")));
  wrong("the secret in upper case", "WrongKey", keyed(SECRET.toUpperCase()));
  wrong("the secret with a line feed", "WrongKey", keyed(`${SECRET}\n`));
  wrong("the secret in quotes", "WrongKey", keyed(`"${SECRET}"`));

  const raw = bytesOf(BODY);
  const hmac = (...parts) => v1(createHmac("sha256", SECRET).update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest("hex"));
  wrong("t and the body joined by a dot, as other providers do", "WrongMessage", hmac(`${T}.`, raw));
  wrong("id, t and the body joined by dots, as in Standard Webhooks", "WrongMessage", hmac(`evt_1.${T}.`, raw));
  wrong("the data only", "WrongMessage", hmac("{}"));
  wrong("nothing", "WrongMessage", hmac(""));
  wrong("the hex of the body", "WrongMessage", hmac(raw.toString("hex")));

  wrong("SHA-256 of the body without a key", "WrongHash", v1(createHash("sha256").update(raw).digest("hex")));
  wrong("SHA-256 of the secret followed by the body", "WrongHash", v1(createHash("sha256").update(SECRET).update(raw).digest("hex")));
  wrong("HMAC-SHA512 cut to 32 bytes", "WrongHash", v1(createHmac("sha512", SECRET).update(raw).digest("hex").slice(0, 64)));
  wrong("HMAC-SHA1 padded with zeros", "WrongHash", v1(createHmac("sha1", SECRET).update(raw).digest("hex").padEnd(64, "0")));
  wrong("zeros", "WrongHash", v1("0".repeat(64)));
  wrong("all bits set", "WrongHash", v1("f".repeat(64)));

  wrong("the first bit of the signature", "ModifiedTag", v1(flip(GOOD, 0, 8)));
  wrong("the lowest bit of the first byte", "ModifiedTag", v1(flip(GOOD, 1, 1)));
  wrong("a bit in the middle", "ModifiedTag", v1(flip(GOOD, 32, 4)));
  wrong("the last bit of the signature", "ModifiedTag", v1(flip(GOOD, 63, 1)));
  wrong("the halves exchanged", "ModifiedTag", v1(GOOD.slice(32) + GOOD.slice(0, 32)));
  wrong("the bytes in reverse", "ModifiedTag", v1(Buffer.from(GOOD, "hex").reverse().toString("hex")));
  wrong("16 wrong signatures", "ModifiedTag", v1(...Array.from({ length: 16 }, (_, index) => flip(GOOD, index, 1))));

  modifiedBodies(file, wrong);
  bodies(file);
  keys(file);
}

function modifiedBodies(file, wrong) {
  const changed = (comment, before, after) => wrong(comment, "ModifiedBody", header(before), after);
  const sent = bytesOf(BODY);
  const bitOf = (index, bit) => hex(sent.map((byte, at) => (at === (index + sent.length) % sent.length ? byte ^ bit : byte)));
  changed("the lowest bit of the first byte changed", BODY, bitOf(0, 1));
  changed("the highest bit of a byte in the middle changed", BODY, bitOf(40, 128));
  changed("the lowest bit of the last byte changed", BODY, bitOf(-1, 1));
  changed("one character of the id changed", BODY, text(envelope({ id: '"evt_2"' })));
  changed("a line feed added", BODY, text(`${BODY.text}\n`));
  changed("a line feed removed", text(`${BODY.text}\n`), BODY);
  changed("the last byte removed", BODY, text(BODY.text.slice(0, -1)));
  changed("NUL added", BODY, text(`${BODY.text}\u0000`));
  changed("a byte order mark added", BODY, text(`\ufeff${BODY.text}`));
  changed("emptied", BODY, text(""));
  changed("CRLF changed to LF", text(BODY.text.replaceAll(",", ",\r\n")), text(BODY.text.replaceAll(",", ",\n")));
  const spaced = text(envelope({ data: '{ "n": 1.0, "s": "\\u00e9" }' }));
  changed("parsed and serialized again", spaced, text(JSON.stringify(JSON.parse(spaced.text))));
  const composed = (letter) => text(envelope({ data: `{"title":"${letter}"}` }));
  changed("a letter decomposed", composed("\u00e9"), composed("e\u0301"));
  changed("UTF-8 decoded as Latin-1 and encoded again", composed("\u00e9"), composed("\u00c3\u00a9"));
  const byte = (value) => hex(bytes(envelope({ data: null }).slice(0, -1), ',"data":{"title":"', [value], '"}}'));
  changed("0xff changed to 0xfe: equal after decoding with replacement", byte(0xff), byte(0xfe));
  changed("0xff changed to U+FFFD", byte(0xff), composed("\ufffd"));
  const large = (suffix) => repeated(`${envelope({ data: null }).slice(0, -1)},"data":{"s":"`, "abcdefgh", 131072, suffix);
  file.invalid("the last character of a mebibyte changed", ["ModifiedBody", "Large"],
    { body: large('h"}} '), signature: header(large('g"}} ')), now: T }, "signature_mismatch");
}

function bodies(file) {
  const good = (comment, body, data, flags = "Valid") => file.valid(comment, flags, signed(body), event({ data }));
  good("a line feed after the body, which was signed too", text(`${BODY.text}\n`), "{}");
  good("CRLF between the members, which was signed too", text(`${BODY.text.replaceAll(",", ",\r\n")}\r\n`), "{}");
  const data = '{"title":"Za\u017c\u00f3\u0142\u0107 \u2014 \u4f60\u597d \u{1f511}"}';
  good("text outside ASCII", text(envelope({ data })), data);
  const spaced = '{ "n": 1.0, "big": 12345678901234567890 , "s": "\\u00e9\\/" }';
  good("data keeps its spaces, numbers and escapes", text(envelope({ data: spaced })), spaced);
  const open = envelope({ data: null }).slice(0, -1);
  for (const [name, unit, count] of [["64 KiB", "abcdefgh", 8192], ["1 MiB", "abcdefgh", 131072], ["1 MiB outside ASCII", "\u017c\u00f3", 262144]]) {
    const body = repeated(`${open},"data":{"s":"`, unit, count, '"}}');
    // The expected data would be as large as the body, so only the other members are checked.
    file.valid(`${name} of data`, "Large", signed(body), { event: { ...event().event, data: undefined } });
  }
  file.invalid("an empty body, correctly signed, is not an event", "Valid", signed(text("")), "malformed_payload");
}

function keys(file) {
  const single = (comment, secret, flags = "Valid") => {
    file.group({ webhook: { secrets: [secret] } });
    file.valid(comment, flags, { body: BODY, signature: header(BODY, T, secret), now: T }, EVENT);
  };
  single("a secret of one character", "x");
  single("a secret of 64 bytes, the hash's block", "k".repeat(64));
  single("a secret of 65 bytes", "k".repeat(65));
  single("a secret with spaces inside", "correct horse battery staple");
  single("a secret outside ASCII", "za\u017c\u00f3\u0142\u0107");
  const latin = "caf\u00e9";
  single("a secret in Latin-1's range, signed as UTF-8", latin);
  file.invalid("a secret in Latin-1's range, signed as Latin-1", "WrongKey",
    { body: BODY, signature: header(BODY, T, Buffer.from(latin, "latin1")), now: T }, "signature_mismatch");

  const rotation = (secrets) => file.group({ webhook: { secrets } });
  const good = (comment, ...signers) => file.valid(comment, "Rotation", { body: BODY, signature: header(BODY, T, ...signers), now: T }, EVENT);
  const wrong = (comment, ...signers) =>
    file.invalid(comment, "Rotation", { body: BODY, signature: header(BODY, T, ...signers), now: T }, "signature_mismatch");
  rotation([SECRET, SECRET_2]);
  good("two secrets, signed with the first", SECRET);
  good("two secrets, signed with the second", SECRET_2);
  good("two secrets, signed with both", SECRET, SECRET_2);
  good("two secrets, signed with both in the other order", SECRET_2, SECRET);
  good("two secrets, signed with an unknown one and the second", SECRET_3, SECRET_2);
  wrong("two secrets, signed with a third", SECRET_3);
  wrong("two secrets, signed with their concatenation", SECRET + SECRET_2);
  file.valid("two secrets, the last of 16 signatures matches the second", "Rotation",
    { body: BODY, signature: v1(...Array(15).fill("0".repeat(64)), mac(BODY, SECRET_2)), now: T }, EVENT);
  file.invalid("two secrets, a malformed signature beside that of the second", "Rotation",
    { body: BODY, signature: v1(mac(BODY, SECRET_2), "0".repeat(63)), now: T }, "malformed_signature");
  rotation([SECRET, SECRET_2, SECRET_3]);
  good("three secrets, signed with the last", SECRET_3);
  rotation([SECRET, SECRET]);
  good("the same secret twice", SECRET);
  rotation([SECRET_2]);
  good("after the rotation: one secret, both signatures", SECRET, SECRET_2);
  wrong("after the rotation: one secret, signed with the old one only", SECRET);
}
