// Members of the envelope: missing, of a wrong type, repeated, escaped and extra.
import { envelope } from "./common.mjs";

const TYPES = {
  null: "null", true: "true", false: "false", "a number": "5", "an array": "[]", "an object": "{}", "a string": '"x"', zero: "0",
};

export function members(good, bad) {
  good("four members and nothing else", "Valid", envelope());
  good("the members in reverse order", "Valid",
    '{"data":{},"created_at":"2024-03-28T08:00:00Z","type":"document.updated","id":"evt_1"}');
  good("white space of all four kinds around every token", ["Valid", "Structure"],
    ' \t\r\n{ \t\r\n"id" \t\r\n: \t\r\n"evt_1" , "type" : "document.updated" ,\n"created_at":\t"2024-03-28T08:00:00Z"\r\n,"data": { } \t\r\n} \t\r\n',
    { data: "{ }" });

  for (const name of ["id", "type", "created_at", "data"]) {
    bad(`${name} is missing`, "Member", envelope({ [name]: null }), `$.${name}`);
    for (const [kind, json] of Object.entries(TYPES)) {
      if (kind === (name === "data" ? "an object" : "a string")) continue;
      if (["false", "zero"].includes(kind) && name !== "id") continue; // falsy values once, for `if (!id)`
      bad(`${name} is ${kind}`, "Member", envelope({ [name]: json }), `$.${name}`);
    }
    if (name !== "data") bad(`${name} is empty`, "Member", envelope({ [name]: '""' }), `$.${name}`);
  }
  bad("created_at is Unix seconds", ["Member", "DateTime"], envelope({ created_at: "1711612800" }), "$.created_at");
  bad("data is JSON in a string", "Member", envelope({ data: '"{}"' }), "$.data");
  bad("a member in another case does not count", "Member", envelope({ id: null, Id: '"evt_1"' }), "$.id");
  bad("a member's name with a space does not count", "Member", envelope({ id: null, "id ": '"evt_1"' }), "$.id");
  bad("createdAt is another name", "Member", envelope({ created_at: null, createdAt: '"2024-03-28T08:00:00Z"' }), "$.created_at");
  bad("an object without members", "Member", "{}");
  for (const [kind, json] of Object.entries(TYPES)) {
    if (!["an object", "false", "zero"].includes(kind)) bad(`the body is ${kind}`, "Member", json, "$");
  }
  bad("the envelope in an array", "Member", `[${envelope()}]`, "$");
  bad("the envelope as JSON in a string", "Member", JSON.stringify(envelope()), "$");

  good("an id of one character", "Valid", envelope({ id: '"x"' }), { id: "x" });
  good("an id of a space: not empty, and opaque", "Valid", envelope({ id: '" "' }), { id: " " });
  good("an id of 10,000 characters", "Valid", envelope({ id: `"${"x".repeat(10000)}"` }), { id: "x".repeat(10000) });
  good("an id outside ASCII", "Valid", envelope({ id: '"\u017c-\u{1f511}"' }), { id: "\u017c-\u{1f511}" });

  const tail = ',"type":"document.updated","created_at":"2024-03-28T08:00:00Z","data":{}';
  bad("id twice, different", "Repeated", `{"id":"evt_1"${tail},"id":"evt_2"}`, "$.id");
  bad("id twice, equal", "Repeated", `{"id":"evt_1"${tail},"id":"evt_1"}`, "$.id");
  bad("type twice", "Repeated", `{"id":"evt_1"${tail},"type":"share.deleted"}`, "$.type");
  bad("created_at twice", "Repeated", `{"id":"evt_1"${tail},"created_at":"2024-03-28T09:00:00Z"}`, "$.created_at");
  bad("data twice", "Repeated", `{"id":"evt_1"${tail},"data":{}}`, "$.data");
  bad("id twice, the second one null", "Repeated", `{"id":"evt_1"${tail},"id":null}`, "$.id");
  bad("id twice, the second name escaped", ["Repeated", "Escaped"], `{"id":"evt_1"${tail},"\\u0069d":"evt_2"}`, "$.id");
  bad("data twice, both names escaped", ["Repeated", "Escaped"],
    `{"id":"evt_1"${tail.replace('"data"', '"d\\u0061ta"')},"dat\\u0061":{}}`, "$.data");

  good("a name written with escapes", "Escaped", `{"\\u0069d":"evt_1"${tail}}`);
  good("all names written with escapes", "Escaped",
    '{"\\u0069\\u0064":"evt_1","t\\u0079pe":"document.updated","created\\u005fat":"2024-03-28T08:00:00Z","dat\\u0061":{}}');
  good("escapes in the id are resolved", "Escaped", envelope({ id: '"\\u0065vt\\u005F1\\n\\u00e9\\ud83d\\udd11\\/"' }),
    { id: "evt_1\n\u00e9\u{1f511}/" });
  good("an escaped NUL in the id does not end it", "Escaped", envelope({ id: '"a\\u0000b"' }), { id: "a\u0000b" });
  good("a type written with escapes is known", "Escaped", envelope({ type: '"document\\u002eupdated"' }));
  good("a created_at written with escapes", "Escaped", envelope({ created_at: '"2024-03-28T08:00:00\\u005a"' }));

  for (const [name, json] of [
    ["null", "null"], ["a string", '"x"'], ["a nested object", '{"a":[{"b":null}]}'], ["a number beyond a double", "1e400"],
    ["an integer of 400 digits", "9".repeat(400)], ["half a surrogate pair", '"\\ud83d"'],
  ]) {
    good(`an extra member that is ${name}`, "Extra", envelope({ extra: json }));
  }
  good("an extra member with an empty name", "Extra", envelope({ "": "1" }));
  good("an extra member named __proto__", "Extra", envelope().replace("{", '{"__proto__":{"id":"evil","type":"evil"},'));
  good("an extra member named constructor", "Extra", envelope({ constructor: "1" }));
  good("an extra member whose name is half a surrogate pair", ["Extra", "Surrogate"], envelope({ "\\udc00": "1" }));
  good("an extra member twice: only the four envelope members count", "Extra", envelope().replace("{", '{"x":1,"x":2,'));
  good("envelope members inside an extra one do not count", "Extra", envelope({ extra: '{"id":"other","data":5}' }));
  good("extra members before, between and after", "Extra",
    '{"a":1,"id":"evt_1","b":[],"type":"document.updated","c":{},"created_at":"2024-03-28T08:00:00Z","d":"","data":{},"e":null}');

  const data = (comment, json, flags = "Data") => good(comment, flags, envelope({ data: json }), { data: json });
  data("data without members", "{}");
  data("envelope members inside data do not count", '{"id":"a","id":"b","type":1,"created_at":null,"data":[]}');
  data("a member of data twice", '{"a":1,"a":2}');
  data("a member of data named __proto__", '{"__proto__":{"polluted":true},"a":1}');
  data("a member of data with an empty name", '{"":""}');
  data("a number beyond a double in data", '{"n":1e400,"m":-1e400,"small":1e-400}');
  data("an integer of 400 digits in data", `{"n":${"7".repeat(400)}}`);
  data("an integer of 5,000 digits in data: more than Python's int() accepts", `{"n":${"7".repeat(5000)}}`, ["Data", "Number"]);
  data("half a surrogate pair as a value of data: a title truncated inside an emoji", '{"title":"cut \\ud83d"}', ["Data", "Surrogate"]);
  data("the second half of a surrogate pair as a value of data", '{"title":"\\udd11 cut"}', ["Data", "Surrogate"]);
  data("the halves of a surrogate pair in the wrong order", '{"title":"\\udd11\\ud83d"}', ["Data", "Surrogate"]);
  data("half a surrogate pair before another escape", '{"title":"\\ud83d\\n","x":"\\ud83d\\u0041"}', ["Data", "Surrogate"]);
  data("half a surrogate pair as a name in data", '{"\\ud83d":1}', ["Data", "Surrogate"]);
  const intact = '{"backslash":"\\\\ud83d","pair":"\\ud83d\\udd11"}';
  good("half a surrogate pair in an extra member, and similar escapes in data that must not change", ["Extra", "Surrogate"],
    envelope({ data: intact, extra: '"\\ud83d"' }), { data: intact });

  bad("half a surrogate pair in the id", "Surrogate", envelope({ id: '"evt_\\ud83d"' }), "$.id");
  bad("the second half of a surrogate pair in the id", "Surrogate", envelope({ id: '"\\udd11"' }), "$.id");
  bad("half a surrogate pair before another escape in the id", "Surrogate", envelope({ id: '"\\ud83d\\u0041"' }), "$.id");
  bad("half a surrogate pair in the type", "Surrogate", envelope({ type: '"document.updated\\ud83d"' }), "$.type");
  bad("half a surrogate pair in created_at", "Surrogate", envelope({ created_at: '"2024-03-28T08:00:00Z\\ud83d"' }), "$.created_at");
}
