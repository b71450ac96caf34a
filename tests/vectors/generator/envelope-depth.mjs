// Nesting: the envelope's object is level 1. 128 levels are accepted and 129 are not.
import { envelope, repeated } from "./common.mjs";

const arrays = (levels) => "[".repeat(levels) + "]".repeat(levels);
const objects = (levels) => '{"a":'.repeat(levels - 1) + "{}" + "}".repeat(levels - 1);

export function depth(good, bad) {
  const data = (json) => [envelope({ data: json }), { data: json }];
  for (const [levels, add] of [[128, good], [129, (comment, flags, body) => bad(comment, flags, body)]]) {
    const inData = levels - 2; // below the envelope and data
    const name = `${levels} levels`;
    add(`${name} by arrays in data`, "Depth", ...data(`{"a":${arrays(inData)}}`));
    add(`${name} by objects in data`, "Depth", ...data(objects(levels - 1)));
    const pairs = Math.floor(inData / 2);
    const mixed = `{"a":${'[{"b":'.repeat(pairs)}${inData % 2 ? "[]" : "0"}${"}]".repeat(pairs)}}`;
    add(`${name} by arrays and objects in turn`, "Depth", ...data(mixed));
    add(`${name} by arrays in an extra member`, "Depth", envelope({ extra: arrays(levels - 1) }), {});
    add(`${name} by objects in an extra member`, "Depth", envelope({ extra: objects(levels - 1) }), {});
    add(`${name}, and shallow members after it`, "Depth", ...data(`{"a":${arrays(inData)},"b":${arrays(3)},"c":1}`));
  }
  const shallow = `{"a":[${Array(300).fill("[[]]").join(",")}]}`;
  good("300 arrays side by side are not deep", "Depth", ...data(shallow));
  const quoted = `{"s":"${"[".repeat(500)}"}`;
  good("brackets in a string are not levels", "Depth", ...data(quoted));
  const open = envelope().slice(0, -1);
  bad("100,000 opening brackets: the host's stack must not overflow", "Depth", repeated(`${open},"x":`, "[", 100000, ""));
  bad("100,000 nested objects in data", "Depth", repeated(`${envelope({ data: null }).slice(0, -1)},"data":`, '{"a":', 100000, ""));
  bad("100,000 opening brackets and nothing else", "Depth", repeated("", "[", 100000, ""));
}
