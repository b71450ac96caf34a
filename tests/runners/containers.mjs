// A request's headers in every container of JavaScript.
const NAME = "x-clarife-signature";

/** Returns containers with their names. A container with one value for each name has the values joined, as in HTTP libraries. */
export function containers(pairs) {
  const exact = grouped(pairs, (name) => name);
  const lower = grouped(pairs, (name) => name.toLowerCase());
  const joined = (groups) => [...groups].map(([name, values]) => [name, values.join(", ")]);
  const bare = (entries) => Object.assign(Object.create(null), Object.fromEntries(entries));
  const values = lower.get(NAME) ?? [];
  const found = [
    ["a plain record", Object.fromEntries(joined(exact))],
    ["a record in lower case, as Node's headers", Object.fromEntries(joined(lower))],
    ["a record of lists", Object.fromEntries(exact)],
    ["a record of lists without a prototype, as Node's headersDistinct", bare(lower)],
    ["a Map", new Map(joined(exact))],
    ["a list of pairs", pairs],
  ];
  if (values.length) found.push(["a list of values", values]);
  if (values.length === 1) found.push(["the value", values[0]]);
  const native = nativeHeaders(pairs);
  if (native) found.push(["Headers", native]);
  return found;
}

function grouped(pairs, key) {
  const groups = new Map();
  for (const [name, value] of pairs) groups.set(key(name), [...(groups.get(key(name)) ?? []), value]);
  return groups;
}

/** Returns `Headers`, unless it rejects the values. */
function nativeHeaders(pairs) {
  const headers = new Headers();
  try {
    for (const [name, value] of pairs) headers.append(name, value);
  } catch {
    return undefined;
  }
  return headers;
}

/** Creates a request, unless its copy of the headers is incomplete: Deno's loses empty values. */
export function requestWith(headers, body) {
  const request = new Request("https://hooks.example.com/", { method: "POST", headers, body });
  return request.headers.get(NAME) === headers.get(NAME) ? request : undefined;
}
