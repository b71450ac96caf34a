// A request's headers in every container that JavaScript keeps them in.
const NAME = "x-clarife-signature";

/** Names and containers. Where one holds a single value for a name, several are joined as HTTP libraries do it. */
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

/** `Headers`, where it takes the values. */
function nativeHeaders(pairs) {
  const headers = new Headers();
  try {
    for (const [name, value] of pairs) headers.append(name, value);
  } catch {
    return undefined;
  }
  return headers;
}

/** A request with these headers and this body, where the copy of the headers is whole: Deno's loses empty values. */
export function requestWith(headers, body) {
  const request = new Request("https://hooks.example.com/", { method: "POST", headers, body });
  return request.headers.get(NAME) === headers.get(NAME) ? request : undefined;
}
