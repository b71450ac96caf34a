// The envelope: members, JSON grammar, encoding, depth and created_at (protocol, section 3).
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
      "Bodies that are rightly signed, so that the envelope alone decides.",
      "`where`, when it is there, is what the message says after its last ' at '. Columns count bytes, from 1; the place is",
      "that of the first byte that cannot stand there, or one past the last byte when the text ends too early.",
    ],
    {
      Valid: "An ordinary envelope.",
      Member: "An envelope member that is missing, empty or of another type.",
      Repeated: "An envelope member that is there twice: readers disagree on which one counts.",
      Escaped: "Names and values written with escapes are the same names and values.",
      Extra: "Other members may be there, under any name and with any value.",
      Data: "The shape of data never fails verification.",
      Surrogate: "Escapes of half a surrogate pair: accepted where the host reads the value, refused where we do.",
      Number: "The grammar and the range of numbers.",
      String: "The grammar of strings.",
      Literal: "The literals and what resembles them.",
      Structure: "Brackets, commas, colons and white space.",
      Truncated: "The text ends too early.",
      Trailing: "Text after the envelope.",
      Encoding: "UTF-8, and what is no UTF-8.",
      ByteOrderMark: "A byte order mark, which many decoders remove without a word.",
      Depth: "At most 128 levels, the envelope's object being the first.",
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
