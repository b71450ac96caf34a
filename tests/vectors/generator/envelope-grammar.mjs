// The grammar of JSON (RFC 8259), mostly in an extra member, so that nothing else is invalid.
import { envelope, place } from "./common.mjs";

const OPEN = envelope().slice(0, -1);
const BEFORE = `${OPEN},"x":`;

export function grammar(good, bad) {
  // `value` expects no position. `placed` expects the position after `before`, where `wrong` starts.
  const value = (comment, flags, json) => bad(comment, flags, `${BEFORE}${json}}`);
  const placed = (comment, flags, before, wrong) => bad(comment, flags, before + wrong, place(before));
  const extra = (comment, flags, json) => good(comment, flags, `${BEFORE}${json}}`);
  const data = (comment, flags, json) => good(comment, flags, envelope({ data: json }), { data: json });

  for (const [comment, json] of [
    ["a leading zero", "01"], ["a leading zero after minus", "-01"], ["a minus alone", "-"], ["two minuses", "--1"],
    ["a point without digits after it", "1."], ["a point without digits before an exponent", "1.e5"],
    ["an exponent without digits", "1e"], ["an exponent with a sign only", "1e+"], ["two points", "1.2.3"],
    ["hexadecimal digits", "0x10"], ["an underscore between digits", "1_000"], ["a BigInt suffix", "1n"],
    ["two numbers in a row", "1 2"], ["a full-width digit", "\uff11"],
  ]) {
    value(`a number with ${comment}`, "Number", json);
  }
  placed("a number with a plus sign", "Number", BEFORE, "+1}");
  placed("a number that starts with a point", "Number", BEFORE, ".5}");
  for (const [comment, json] of [
    ["zeros", "[0,-0,0.0,-0.0,0e0,0E+0,0e-0]"], ["exponents of both cases and signs", "[1e5,1E5,1e+5,1E-5,1.5e05]"],
    ["trailing zeros", "[1.0,0.10,100]"], ["the largest double and the smallest", "[1.7976931348623157e308,5e-324]"],
    ["a hundred digits after the point", `[0.${"3".repeat(100)}]`],
  ]) {
    data(`numbers: ${comment}`, "Number", `{"n":${json}}`);
  }

  placed("NaN, which Python's parser accepts", "Literal", BEFORE, "NaN}");
  placed("Infinity, which Python's parser accepts", "Literal", BEFORE, "Infinity}");
  for (const json of ["-Infinity", "nan", "True", "TRUE", "nul", "nulll", "undefined", "None", "tru e"]) {
    value(`the word ${json}`, "Literal", json);
  }
  bad("NaN inside data", ["Literal", "Data"], envelope({ data: '{"n":NaN}' }));
  extra("the three literals", "Literal", "[true,false,null]");

  placed("single quotes", "String", BEFORE, "'x'}");
  placed("typographic quotes", "String", BEFORE, "\u201cx\u201d}");
  placed("a raw line feed in a string", "String", `${BEFORE}"a`, '\nb"}');
  placed("a raw NUL in a string", "String", `${BEFORE}"a`, '\u0000b"}');
  for (const [name, character] of [["tab", "\t"], ["carriage return", "\r"], ["U+0001", "\u0001"], ["U+001F", "\u001f"]]) {
    value(`a raw ${name} in a string`, "String", `"a${character}b"`);
  }
  for (const before of ["", "a", "abcdefg", "\u017c\u00f3", "\u{1f511}", "\u007f"]) {
    // Long enough on both sides for parsers that read many bytes at a time.
    const long = `${"x".repeat(24)}${before}`;
    placed(`a raw U+001F far into a string, after ${before ? JSON.stringify(before) : "letters"}`, "String",
      `${BEFORE}"${long}`, `\u001f${"x".repeat(24)}"}`);
  }
  bad("a raw tab in a name", "String", envelope({ "a\tb": "1" }));
  bad("a raw tab in a string inside data", ["String", "Data"], envelope({ data: '{"s":"\t"}' }));
  bad("a raw line feed in the id", "String", envelope({ id: '"evt\n1"' }));
  for (const escape of ["\\x41", "\\'", "\\a", "\\0", "\\v", "\\U0041", "\\u12", "\\u12g4", "\\u{41}", "\\u 041", "\\u+041", "\\u-041", "\\\n", "\\"]) {
    value(`the escape ${JSON.stringify(escape).slice(1, -1)}`, "String", `"${escape}"`);
  }
  bad("an unknown escape inside data", ["String", "Data"], envelope({ data: '{"s":"\\x41"}' }));
  bad("an unknown escape in a name inside data", ["String", "Data"], envelope({ data: '{"\\q":1}' }));
  data("all short escapes", "String", '{"s":"\\"\\\\\\/\\b\\f\\n\\r\\t"}');
  data("hex digits of both cases in escapes", "String", '{"s":"\\u00e9\\u00E9\\uABCD\\uabcd\\ud83D\\uDd11"}');
  data("DEL and the characters after it are not control characters in JSON", "String", '{"s":"\u007f\u0080\u0085\u009f"}');
  data("line and paragraph separators are valid in strings", "String", '{"s":"\u2028\u2029"}');
  data("non-characters are valid in strings", "String", '{"s":"\uffff\ufffe\ufdd0"}');

  placed("a comma after the last member", "Structure", `${OPEN},`, "}");
  placed("a comma after the last element", "Structure", `${BEFORE}[1,`, "]}");
  placed("a comma before the first member", "Structure", "{", `,${envelope().slice(1)}`);
  placed("a member's value is missing", "Structure", BEFORE, "}");
  placed("a colon is missing", "Structure", `${OPEN},"x" `, "1}");
  placed("a comma is missing between members", "Structure", `${OPEN} `, '"x":1}');
  placed("a name without quotes", "Structure", `${OPEN},`, "x:1}");
  placed("a number as a name", "Structure", `${OPEN},`, "1:1}");
  placed("a mistake on the third line", "Structure", '{\n"id":"evt_1",\n  ', "x}");
  placed("columns count bytes: after letters of two and four bytes", "Structure", `${OPEN},"\u017c\u{1f511}":`, "x}");
  placed("a carriage return alone does not end a line", "Structure", `\r\r\n\r ${OPEN},`, "x}");
  for (const [comment, json] of [
    ["two commas in an array", "[1,,2]"], ["a comma before the first element", "[,1]"], ["an array closed by a brace", "[1}"],
    ["an object closed by a bracket", '{"a":1]'], ["a colon in an array", '["a":1]'], ["a name without a value", '{"a"}'],
    ["two colons", '{"a"::1}'], ["semicolons", "[1;2]"], ["a line comment", "1 // one\n"], ["a block comment", "/* one */ 1"],
    ["a hash comment", "1 # one\n"], ["a vertical tab as white space", "\u000b1"], ["a form feed as white space", "\f1"],
    ["a no-break space as white space", "\u00a01"], ["a line separator as white space", "\u20281"], ["an expression", "1+1"],
    ["a template string", "`x`"],
  ]) {
    value(comment, "Structure", json);
  }
  bad("a comma after the last member of data", ["Structure", "Data"], envelope({ data: '{"a":1,}' }));
  bad("a comment inside data", ["Structure", "Data"], envelope({ data: "{/**/}" }));
  bad("form data", "Structure", "id=evt_1&type=document.updated");
  bad("XML", "Structure", "<event/>", "line 1, column 1");

  for (const [comment, before] of [
    ["nothing", ""], ["white space only", " \n "], ["after the opening brace", "{"], ["inside a name", '{"i'],
    ["after a name", '{"id"'], ["after a colon", '{"id":'], ["inside a value", '{"id":"evt'], ["after a value", OPEN],
    ["after a comma", `${OPEN},`], ["inside an escape", `${BEFORE}"\\`], ["inside a Unicode escape", `${BEFORE}"\\u00`],
    ["inside a literal", `${BEFORE}tru`], ["after a minus", `${BEFORE}-`], ["inside an array", `${BEFORE}[1`],
    ["inside data", envelope().slice(0, -2)],
  ]) {
    bad(`the text ends: ${comment}`, "Truncated", before, place(before));
  }

  placed("a second envelope", "Trailing", envelope(), envelope());
  placed("a second envelope on a new line", "Trailing", `${envelope()}\n`, envelope());
  placed("a closing brace too many", "Trailing", envelope(), "}");
  placed("a comma at the end", "Trailing", envelope(), ",");
  placed("NUL at the end", "Trailing", envelope(), "\u0000");
  placed("a letter at the end", "Trailing", `${envelope()}\n`, "x");
  placed("a comment at the end", "Trailing", `${envelope()} `, "// end");
  placed("a form feed at the end", "Trailing", envelope(), "\f");
}
