// Valid and invalid UTF-8 in every part of the body where a reader could miss it.
import { bytes, envelope, hex } from "./common.mjs";

const OPEN = envelope({ data: null }).slice(0, -1);
const TAIL = ',"type":"document.updated","created_at":"2024-03-28T08:00:00Z","data":{}}';

const BROKEN = [
  ["a byte that never occurs in UTF-8 (ff)", [0xff]],
  ["another byte that never occurs in UTF-8 (fe)", [0xfe]],
  ["a continuation byte alone (80)", [0x80]],
  ["the last continuation byte alone (bf)", [0xbf]],
  ["a letter in Latin-1 (e9)", [0xe9]],
  ["an overlong NUL (c0 80)", [0xc0, 0x80]],
  ["an overlong slash (c0 af)", [0xc0, 0xaf]],
  ["an overlong quote (c0 a2)", [0xc0, 0xa2]],
  ["an overlong U+007F (c1 bf)", [0xc1, 0xbf]],
  ["an overlong U+07FF in three bytes (e0 9f bf)", [0xe0, 0x9f, 0xbf]],
  ["an overlong U+FFFF in four bytes (f0 8f bf bf)", [0xf0, 0x8f, 0xbf, 0xbf]],
  ["the first surrogate (ed a0 80)", [0xed, 0xa0, 0x80]],
  ["the last surrogate (ed bf bf)", [0xed, 0xbf, 0xbf]],
  ["a pair of surrogates, CESU-8 (ed a0 bd ed b4 91)", [0xed, 0xa0, 0xbd, 0xed, 0xb4, 0x91]],
  ["U+110000 (f4 90 80 80)", [0xf4, 0x90, 0x80, 0x80]],
  ["a lead byte beyond Unicode (f5 80 80 80)", [0xf5, 0x80, 0x80, 0x80]],
  ["five bytes (f8 88 80 80 80)", [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ["the first of two bytes, cut (c3)", [0xc3]],
  ["two of three bytes, cut (e2 82)", [0xe2, 0x82]],
  ["three of four bytes, cut (f0 9f 94)", [0xf0, 0x9f, 0x94]],
];

export function encoding(good, bad) {
  const data = (...parts) => hex(bytes(`${OPEN},"data":{"s":"a`, ...parts, 'b"}}'));
  for (const [name, broken] of BROKEN) bad(`in a string of data: ${name}`, "Encoding", data(broken));

  bad("invalid UTF-8 in a name inside data", "Encoding", hex(bytes(`${OPEN},"data":{"a`, [0xff], '":1}}')));
  bad("invalid UTF-8 in an extra member's value", "Encoding", hex(bytes(`${envelope().slice(0, -1)},"x":"`, [0xff], '"}')));
  bad("invalid UTF-8 in an extra member's name", "Encoding", hex(bytes(`${envelope().slice(0, -1)},"`, [0xc3], '":1}')));
  bad("invalid UTF-8 in the id", "Encoding", hex(bytes('{"id":"evt', [0xed, 0xa0, 0x80], `"${TAIL}`)));
  bad("invalid UTF-8 in the type", "Encoding", hex(bytes(envelope().replace("updated", "u"), [0xff])));
  bad("invalid UTF-8 after escapes in the id", "Encoding", hex(bytes('{"id":"\\u0065\\n', [0xff], `"${TAIL}`)));
  bad("invalid UTF-8 between members", "Encoding", hex(bytes('{"id":"evt_1"', [0xff], TAIL)));
  bad("invalid UTF-8 before the envelope", "Encoding", hex(bytes([0xff], envelope())));
  bad("invalid UTF-8 after the envelope", "Encoding", hex(bytes(envelope(), [0xff])));
  bad("a character cut at the very end of the body", "Encoding", hex(bytes(`${OPEN},"data":{"s":"`, [0xe2, 0x82])));
  bad("invalid UTF-8 far into a long string", "Encoding", hex(bytes(`${OPEN},"data":{"s":"${"a".repeat(200)}`, [0xff], `${"a".repeat(50)}"}}`)));
  bad("invalid UTF-8 after text outside ASCII", "Encoding", data("\u017c\u00f3\u0142\u0107\u{1f511}", [0x80]));
  const utf16 = Buffer.from(envelope(), "utf16le");
  bad("UTF-16, little-endian", "Encoding", hex(utf16));
  bad("UTF-16 with a byte order mark, little-endian", ["Encoding", "ByteOrderMark"], hex(bytes([0xff, 0xfe], utf16)));
  bad("UTF-16, big-endian", "Encoding", hex(Buffer.from(utf16).swap16()));
  bad("gzip that was not decompressed", "Encoding", hex([0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03]));

  for (const [name, character] of [
    ["the first of two bytes (U+0080)", "\u0080"], ["the last of two bytes (U+07FF)", "\u07ff"],
    ["the first of three bytes (U+0800)", "\u0800"], ["the last before the surrogates (U+D7FF)", "\ud7ff"],
    ["the first after the surrogates (U+E000)", "\ue000"], ["the replacement character itself (U+FFFD)", "\ufffd"],
    ["the first of four bytes (U+10000)", "\u{10000}"], ["the last of all (U+10FFFF)", "\u{10ffff}"],
    ["a byte order mark inside a string", "\ufeff"],
  ]) {
    const json = `{"s":"${character}"}`;
    good(`in a string of data: ${name}`, "Encoding", envelope({ data: json }), { data: json });
  }
  good("text outside ASCII before data moves its position", "Encoding", envelope({ id: '"\u017c\u{1f511}"', data: '{"a":"\u{1f511}"}' }),
    { id: "\u017c\u{1f511}", data: '{"a":"\u{1f511}"}' });

  bad("a byte order mark first", "ByteOrderMark", `\ufeff${envelope()}`, "line 1, column 1");
  bad("a byte order mark after white space", "ByteOrderMark", ` \ufeff${envelope()}`, "line 1, column 2");
  bad("a byte order mark last", "ByteOrderMark", `${envelope()}\ufeff`);
  bad("a byte order mark before a value", "ByteOrderMark", envelope({ extra: "\ufeff1" }));
  bad("a byte order mark and nothing else", "ByteOrderMark", "\ufeff");
}
