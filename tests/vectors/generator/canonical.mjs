// Canonical JSON (docs/protocol.md#section-4): the result of JSON.stringify(JSON.parse(text)) in every JavaScript engine.
import { VectorFile } from "./file.mjs";

export function canonical() {
  const file = new VectorFile(
    "canonical",
    [
      "JSON text and the only form in which a sender may send it. Expected forms come from Node's JSON.stringify(JSON.parse(input)).",
      "Members that are not array indices are in byte order in the input, so that maps that sort and maps that keep the order agree.",
    ],
    {
      Plain: "Values that need no change.",
      Space: "Insignificant white space is removed.",
      Number: "ECMAScript's shortest form of a number.",
      Integer: "Integers up to \u00b1(2^53-1). A reader loses digits of larger ones, so the sender rejects them. It also rejects a float whose canonical form is an integer of another value.",
      String: "JSON.stringify's escapes and no others.",
      Index: "Members whose names are array indices come first, ascending, which is JavaScript's order.",
      Proto: "A member named __proto__ is rejected: copying such an object changes it.",
      Nesting: "The rules hold at every depth.",
    },
  );
  file.group({});
  const good = (comment, flags, input) =>
    file.valid(comment, flags, { input }, { canonical: JSON.stringify(JSON.parse(input)) });
  const unsafe = (comment, input) => file.invalid(comment, "Integer", { input }, "unsafe_integer");
  const proto = (comment, input) => file.invalid(comment, "Proto", { input }, "proto_member");

  good("null", "Plain", "null");
  good("true", "Plain", "true");
  good("false", "Plain", "false");
  good("an empty object", "Plain", "{}");
  good("an empty array", "Plain", "[]");
  good("an empty string", "Plain", '""');
  good("an event", "Plain", '{"created_at":"2024-03-28T08:00:00Z","data":{"id":"doc_1","title":"A"},"id":"evt_1","type":"document.updated"}');
  good("empty containers inside others", "Plain", '{"a":[],"b":{},"c":[[],{}]}');
  good("an empty name", "Plain", '{"":1}');
  good("white space of all kinds around every token", "Space", ' \t\r\n{ "a" : [ 1 , 2 ] ,\n"b" : { } } \n');
  good("white space inside strings stays", "Space", '{"a b":" c  d "}');

  numbers(good, unsafe);
  strings(good);
  order(good);

  proto("__proto__ at the top", '{"__proto__":{}}');
  proto("__proto__ beside others", '{"__proto__":null,"a":1}');
  proto("__proto__ deep inside", '{"a":[{"b":{"__proto__":1}}]}');
  proto("__proto__ written with escapes", '{"\\u005f_proto_\\u005f":1}');
  good("__proto__ as a value", "Proto", '{"a":"__proto__"}');
  good("names that resemble it", "Proto", '{"__PROTO__":1,"__proto":2,"__proto___":3,"_proto_":4,"constructor":5,"prototype":6}');
  good("100 levels of arrays", "Nesting", `${"[".repeat(100)}${"]".repeat(100)}`);
  good("every rule deep inside", "Nesting", '[{"a":[{"2":1.0,"10":"\\u00e9","1":-0,"b":[1E2]}]}]');
  return file;
}

function numbers(good, unsafe) {
  for (const [comment, number] of [
    ["zero", "0"], ["minus zero", "-0"], ["minus zero with a point", "-0.0"], ["one", "1"], ["minus one", "-1"],
    ["an integer with a point", "1.0"], ["an integer with an exponent", "1e2"], ["a fraction", "1.5"], ["a tenth", "0.1"],
    ["three tenths as the result of a sum", "0.30000000000000004"], ["trailing zeros", "1.500"], ["a third", "0.3333333333333333"],
    ["more digits than a double holds", "0.1000000000000000055511151231257827"], ["an upper-case exponent", "1E5"],
    ["an exponent with a plus sign", "1e+5"], ["the last with digits below 1: 1e-6", "0.000001"], ["the first in exponents below 1: 1e-7", "0.0000001"],
    ["1e-7", "1e-7"], ["several digits in exponents", "1.234e-8"], ["minus in exponents", "-1e-7"],
    ["the last written out: 1e20", "1e20"], ["the first in exponents: 1e21", "1e21"], ["digits in exponents", "1.2345e25"],
    ["the greatest double", "1.7976931348623157e308"],
    ["the greatest double below zero", "-1.7976931348623157e308"], ["the smallest double above zero", "5e-324"],
    ["the smallest normal double", "2.2250738585072014e-308"], ["the largest subnormal double", "2.225073858507201e-308"],
    ["2^53 as a float is a float", "9007199254740992.0"], ["2^53 with an exponent", "9.007199254740992e15"],
    ["a double that many printers write with a digit too many", "5e-7"], ["a double halfway between two decimals", "9007199254740993.0"],
    ["a double whose shortest form is contested", "2e-44"], ["1e23", "1e23"], ["9.5e-7", "9.5e-7"],
  ]) {
    good(`number: ${comment}`, "Number", number);
  }
  good("the largest safe integer", "Integer", "9007199254740991");
  good("the smallest safe integer", "Integer", "-9007199254740991");
  good("an ordinary large integer", "Integer", "1711612800000");
  unsafe("a double of 21 digits, the last ones zeros that it does not have", "123456789012345680000.0");
  unsafe("2^60 as a float, which is written 1152921504606847000", "1.152921504606846976e18");
  unsafe("2^53", "9007199254740992");
  unsafe("-2^53", "-9007199254740992");
  unsafe("2^53 + 1, which a double cannot hold", "9007199254740993");
  unsafe("the largest of 64 bits with a sign", "9223372036854775807");
  unsafe("the smallest of 64 bits with a sign", "-9223372036854775808");
  unsafe("the largest of 64 bits without a sign", "18446744073709551615");
  unsafe("an unsafe integer deep inside", '{"a":[{"id":9007199254740993}]}');
}

function strings(good) {
  const string = (comment, json) => good(`string: ${comment}`, "String", json);
  string("a quote and a backslash", '"\\"\\\\"');
  string("a slash loses its escape", '"\\/ /"');
  string("the short escapes", '"\\b\\f\\n\\r\\t"');
  string("the short escapes written long", '"\\u0008\\u000c\\u000a\\u000d\\u0009\\u0022\\u005c"');
  string("the control characters without a short escape, in lower-case hex", '"\\u0000\\u0001\\u0007\\u000B\\u000e\\u001a\\u001F"');
  string("DEL is not escaped", '"\\u007f\u007f"');
  string("the second control block is not escaped", '"\\u0080\\u0085\\u009f"');
  string("letters lose their escapes", '"\\u0041\\u00e9\\u017c\\u4f60"');
  string("letters outside ASCII stay as they are", '"\u00e9\u017c\u4f60"');
  string("line and paragraph separators are not escaped", '"\\u2028\\u2029\u2028\u2029"');
  string("a byte order mark is not escaped", '"\\ufeff"');
  string("an escaped pair becomes one character", '"\\ud83d\\udd11"');
  string("a character outside the basic plane", '"\u{1f511}\u{10ffff}"');
  string("non-characters are not escaped", '"\\uffff\\ufffe"');
  string("characters that HTML reserves are not escaped", '"<script>&\'</script>"');
  string("decomposed letters are not composed", '"e\u0301"');
  good("string: names follow the same rules", "String", '{"\\u0001":1,"\\"":2,"\\/":3,"\\u00e9":4,"\\u2028":5,"\\ud83d\\udd11":6}');
}

function order(good) {
  const index = (comment, json) => good(`names: ${comment}`, "Index", json);
  index("indices come first", '{"a":1,"0":2}');
  index("indices ascend as numbers, not as text", '{"10":1,"9":2,"1":3,"0":4}');
  index("indices among others", '{"2":"b","A":1,"a":2,"1":"a","b":3}');
  index("the largest index, 2^32-2", '{"a":1,"4294967294":2}');
  index("2^32-1 is not an index", '{"4294967295":1,"a":2,"1":3}');
  index("2^32 is not an index", '{"4294967296":1,"a":2,"1":3}');
  index("a number with a leading zero is not an index", '{"00":1,"01":2,"a":3,"1":4}');
  index("a number with a sign is not an index", '{"+1":1,"-1":2,"a":3,"1":4}');
  index("a fraction is not an index", '{"1.0":1,"1.5":2,"a":3,"1":4}');
  index("a number with a space is not an index", '{" 1":1,"1 ":2,"a":3,"1":4}');
  index("a number with an exponent is not an index", '{"1e1":1,"a":2,"1":3}');
  index("full-width digits are not an index", '{"a":1,"\uff11":2,"1":3}');
  index("the empty name is not an index", '{"":1,"a":2,"0":3}');
  index("indices written with escapes", '{"a":1,"\\u0031":2,"\\u0030":3}');
  index("many indices", '{"100":1,"20":2,"3":3,"4294967294":4,"1000000000":5,"999999999":6}');
  index("at every depth", '{"z":{"b":{"a":1,"1":2},"7":3,"5":{"x":1,"0":2}},"3":[{"q":1,"4":2}]}');
}
