// Servers with the Fetch API: Deno.serve, Bun.serve, Hono, and Node's Request behind node:http. The first argument selects one.
import process from "node:process";
import { handlers, PARSED, ran, ready, routes, webhook } from "./app.mjs";

const receivers = Object.fromEntries(Object.entries(routes).map(([path, options]) => [path, webhook.receiver(handlers, options)]));
const parsed = webhook.receiver(handlers);

async function serve(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/ran") return Response.json(ran);
  if (pathname !== PARSED) return receivers[pathname](request);
  await request.json();
  return parsed(request);
}

const servers = {
  deno() {
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => ready(port) }, serve);
  },
  bun() {
    ready(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: serve }).port);
  },
  async hono() {
    const [{ Hono }, { serve: listen }] = [await import("hono"), await import("@hono/node-server")];
    const app = new Hono();
    for (const [path, receive] of Object.entries(receivers)) app.all(path, (context) => receive(context.req.raw));
    app.all(PARSED, async (context) => {
      await context.req.json();
      return parsed(context.req.raw);
    });
    app.get("/ran", (context) => context.json(ran));
    listen({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => ready(port));
  },
  async node() {
    const [{ createServer }, { Readable }] = [await import("node:http"), await import("node:stream")];
    const server = createServer(async (incoming, outgoing) => {
      const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value]));
      const body = incoming.method === "GET" || incoming.method === "HEAD" ? undefined : Readable.toWeb(incoming);
      const request = new Request(`http://localhost${incoming.url}`, { method: incoming.method, headers, body, duplex: "half" });
      const response = await serve(request);
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
    });
    server.listen(0, "127.0.0.1", () => ready(server.address().port));
  },
};
await servers[process.argv[2]]();
