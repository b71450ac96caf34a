// The contestants of every runtime: the SDK and WebCrypto by hand. Each has three jobs, which are checked before the race.

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** Returns the jobs of the SDK. `route` reads id and type, `read` all of data, `reject` refuses a wrong bit. */
export function sdk({ Webhook }, body) {
  const webhook = new Webhook(SECRET);
  const header = webhook.sign(body);
  const wrong = oneWrongBit(header);
  return {
    route() {
      const event = webhook.verify(body, header);
      return event.id.length + event.type.length;
    },
    read: () => webhook.verify(body, header).data,
    reject: () => refused(() => webhook.verify(body, wrong)),
  };
}

/** Returns the jobs of clarife's scheme by hand with WebCrypto. The key is imported once. */
export async function webCrypto({ Webhook }, body) {
  const header = new Webhook(SECRET).sign(body);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(SECRET), algorithm, false, ["verify"]);
  const decoder = new TextDecoder();
  async function verify(header) {
    const { t, v1 } = elements(header);
    if (!(Math.abs(Date.now() / 1000 - Number(t)) <= 300)) throw new Error("too old");
    const tag = Uint8Array.from(v1.match(/../g), (digits) => Number.parseInt(digits, 16));
    if (!(await crypto.subtle.verify("HMAC", key, tag, body))) throw new Error("no match");
    return JSON.parse(decoder.decode(body));
  }
  const wrong = oneWrongBit(header);
  return {
    async route() {
      const event = await verify(header);
      return event.id.length + event.type.length;
    },
    read: async () => (await verify(header)).data,
    reject: () => verify(wrong).then(() => false, () => true),
  };
}

/** Returns a header's elements by key, as the documented example does. */
export function elements(header) {
  return Object.fromEntries(header.split(",").map((element) => element.split("=")));
}

/** Returns a header with another digit ten characters before its end. */
export function oneWrongBit(header) {
  const digit = header.at(-10);
  return header.slice(0, -10) + (digit === "0" ? "1" : "0") + header.slice(-9);
}

/** Tells whether a call throws. */
export function refused(call) {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}

/** Fails if a contestant does not do its jobs. */
export async function tryAll(contestants, { type, data }) {
  for (const [name, { route, read, reject }] of Object.entries(contestants)) {
    const works = (await route()) > type.length && JSON.stringify(await read()) === JSON.stringify(data) && (await reject());
    if (!works) throw new Error(`${name} does not do its jobs`);
  }
}
