// The envelope: members, JSON grammar, encoding, depth and created_at (docs/protocol.md#section-3).
import { SECRET, event, signed, text } from "./common.mjs";
import { createdAt } from "./envelope-date.mjs";
import { depth } from "./envelope-depth.mjs";
import { encoding } from "./envelope-encoding.mjs";
import { grammar } from "./envelope-grammar.mjs";
import { members } from "./envelope-members.mjs";
import { VectorFile } from "./file.mjs";

export function envelopeFile() {
  const file = new VectorFile(
    "envelope",
    [
      "Correctly signed bodies, so that the envelope alone decides.",
      "`where` is optional, and is the end of the message after its last ' at '. Columns count bytes, from 1. The position is",
      "that of the first invalid byte, or one past the last byte if the text ends too early.",
    ],
    {
      Valid: "An ordinary envelope.",
      Member: "An envelope member that is missing, empty or of another type.",
      Repeated: "A repeated envelope member: parsers disagree on the one that counts.",
      Escaped: "Names and values written with escapes are equal to those without.",
      Extra: "Additional members are valid, with any name and any value.",
      Data: "The shape of data never fails verification.",
      Surrogate: "Escapes of half a surrogate pair: accepted in values that the host language parses, rejected in the envelope's own members.",
      Number: "The grammar and the range of numbers.",
      String: "The grammar of strings.",
      Literal: "The literals and similar words.",
      Structure: "Brackets, commas, colons and white space.",
      Truncated: "The text ends too early.",
      Trailing: "Text after the envelope.",
      Encoding: "Valid and invalid UTF-8.",
      ByteOrderMark: "A byte order mark, which many decoders remove silently.",
      Depth: "At most 128 levels, of which the envelope's object is the first.",
      DateTime: "The grammar of RFC 3339.",
      Calendar: "Days and moments that do or do not exist.",
      Offset: "Offsets from UTC.",
      Fraction: "Fractions of a second.",
      LeapSecond: "A second 60 exists only at the end of a month in UTC.",
    },
  );
  file.group({ webhook: { secrets: [SECRET] } });
  const wrap = (body) => signed(typeof body === "string" ? text(body) : body);
  const good = (comment, flags, body, differs) => file.valid(comment, flags, wrap(body), event(differs));
  const bad = (comment, flags, body, where) =>
    file.invalid(comment, flags, wrap(body), { error: "malformed_payload", ...(where && { where }) });
  for (const part of [members, grammar, encoding, depth, createdAt]) part(good, bad);
  return file;
}
