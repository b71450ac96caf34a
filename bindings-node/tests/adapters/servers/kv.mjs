// The server side of Workers KV in memory. Workerd has only the client, and the two speak this protocol.
const values = new Map();

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const key = decodeURIComponent(pathname.slice(1));
    if (request.method === "PUT") {
      const ttl = Number(searchParams.get("expiration_ttl"));
      if (ttl < 60) return new Response("expiration_ttl must be at least 60", { status: 400 });
      if (new TextEncoder().encode(key).length > 512) return new Response("the key is too long", { status: 414 });
      values.set(key, await request.text());
      return new Response();
    }
    if (request.method === "DELETE") {
      values.delete(key);
      return new Response();
    }
    const value = values.get(key);
    return value === undefined ? new Response("not found", { status: 404 }) : new Response(value);
  },
};
