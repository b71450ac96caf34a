// Signing: the exact header (docs/protocol.md#section-4).
import { SECRET, SECRET_2, SECRET_3, T, envelope, header, hex, repeated, text } from "./common.mjs";
import { VectorFile } from "./file.mjs";

export function sign() {
  const file = new VectorFile(
    "sign",
    ["Signing a body at a timestamp. The header must be exactly `header`."],
    {
      Ordinary: "One secret and the body of an event.",
      Rotation: "One v1 for each secret, in the order of the secrets, newest first.",
      Body: "Any bytes can be signed: signing does not read the body's content.",
      Key: "Keys of all lengths and alphabets.",
      Timestamp: "The range of `t`: 0 to 999999999999.",
    },
  );
  file.group({});
  const good = (comment, flags, body, timestamp = T, secrets = [SECRET]) =>
    file.valid(comment, flags, { secrets, body, timestamp }, { header: header(body, timestamp, ...secrets) });
  const bad = (comment, flags, timestamp) =>
    file.invalid(comment, flags, { secrets: [SECRET], body: text("{}"), timestamp }, "invalid_timestamp");
  const body = text(envelope());

  good("an event", "Ordinary", body);
  good("an event with text outside ASCII", "Ordinary", text(envelope({ data: '{"title":"Za\u017c\u00f3\u0142\u0107 \u{1f511}"}' })));
  good("two secrets", "Rotation", body, T, [SECRET, SECRET_2]);
  good("two secrets in the other order", "Rotation", body, T, [SECRET_2, SECRET]);
  good("three secrets", "Rotation", body, T, [SECRET_3, SECRET, SECRET_2]);
  good("an empty body", "Body", text(""));
  good("a line feed", "Body", text("\n"));
  good("text that is not JSON", "Body", text("not json"));
  good("a byte order mark is signed, not removed", "Body", text("\ufeff{}"));
  good("NUL does not end the body", "Body", text("a\u0000b"));
  good("every byte value", "Body", hex(Uint8Array.from({ length: 256 }, (_, byte) => byte)));
  good("bytes that are not UTF-8", "Body", hex([0xff, 0xfe, 0xc0, 0x80]));
  for (const count of [55, 56, 63, 64, 65, 127, 128, 129]) {
    good(`${count} bytes, around the hash's blocks`, "Body", repeated("", "a", count, ""));
  }
  good("a mebibyte", "Body", repeated("", "abcdefgh", 131072, ""));
  good("a key of one character", "Key", body, T, ["x"]);
  good("a key of a block", "Key", body, T, ["k".repeat(64)]);
  good("a key longer than a block", "Key", body, T, ["k".repeat(65)]);
  good("a key outside ASCII", "Key", body, T, ["za\u017c\u00f3\u0142\u0107-\u{1f511}"]);
  good("an upper-case secret does not change the case of the hex", "Key", body, T, [SECRET.toUpperCase()]);
  good("zero, without leading zeros", "Timestamp", body, 0);
  good("one", "Timestamp", body, 1);
  good("the largest of 12 digits", "Timestamp", body, 999999999999);
  bad("minus one", "Timestamp", -1);
  bad("the smallest integer that every host language represents exactly", "Timestamp", Number.MIN_SAFE_INTEGER);
  bad("13 digits", "Timestamp", 1000000000000);
  bad("milliseconds instead of seconds", "Timestamp", T * 1000);
  bad("the largest integer that every host language represents exactly", "Timestamp", Number.MAX_SAFE_INTEGER);
  return file;
}
