// `Handlers`.
import assert from "node:assert/strict";
import test from "node:test";
import { api, BODY, bodyWith, thrownBy } from "./api.mjs";
import { quiet, receive } from "./receiving.mjs";

const { Handlers } = api;

test("Handlers: of the type, else of its group, else the default, else none", async () => {
  const seen = [];
  const handlers = new Handlers()
    .on("document.updated", () => seen.push("type"))
    .on("document.*", () => seen.push("group"));
  const give = async (type) => (await receive(handlers, {}, { body: bodyWith({ type }) })).is;
  for (const type of ["document.updated", "document.created", "document.archived", "share.created", "documents.x", "document", "video.rendered"]) {
    assert.equal(await give(type), "200 handled");
  }
  assert.deepEqual(seen, ["type", "group", "group"]);
  handlers.otherwise((event) => seen.push(event.type));
  for (const type of ["share.created", "documents.x", "document", "__proto__", "constructor.x"]) await give(type);
  assert.deepEqual(seen.slice(3), ["share.created", "documents.x", "document", "__proto__", "constructor.x"]);
  const failing = new Handlers().on("document.*", async () => { throw new Error("no"); });
  assert.equal((await receive(failing)).is, "500 handler_failed");
});

test("Handlers: the types, and known events", () => {
  const types = (handlers) => handlers.types.join(" ");
  assert.equal(types(new Handlers().otherwise(quiet)), "");
  assert.equal(types(new Handlers().on("share.*", quiet).on("document.updated", quiet).on("share.created", quiet)), "document.updated share.created share.updated share.deleted");
  assert.ok(api.isKnownEvent(api.parseTrusted(BODY)));
  assert.ok(!api.isKnownEvent(api.parseTrusted(bodyWith({ type: "video.rendered" }))));
  for (const wrong of [undefined, null, "share.created", {}, { type: 5 }]) assert.match(thrownBy(() => api.isKnownEvent(wrong)).message, /^event must be an event/);
});

test("Handlers: mistakes are errors", () => {
  const handlers = new Handlers().on("share.*", quiet).on("share.created", quiet).otherwise(quiet);
  for (const call of [() => handlers.on("share.*", quiet), () => handlers.on("share.created", quiet), () => handlers.otherwise(quiet)]) assert.ok(thrownBy(call) instanceof TypeError);
  for (const pattern of ["document.update", "documents.*", "*", "", "document.", "document", undefined, 5, "*.created"]) {
    assert.match(thrownBy(() => new Handlers().on(pattern, quiet)).message, /^pattern must be a known type/);
  }
  for (const handler of [undefined, {}, "f"]) assert.match(thrownBy(() => new Handlers().on("share.*", handler)).message, /^handler must/);
});
