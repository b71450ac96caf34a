// The properties of an event.
import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";
import { AT, BODY, bodyWith, eventOf, SIGNATURE, webhook } from "./api.mjs";

const event = () => webhook.verify(BODY, SIGNATURE, AT);
const plain = {
  id: "evt_a1b2c3d4-5678-90ab-cdef-1234567890ab",
  type: "document.updated",
  created_at: "2026-03-28T12:00:00.123456Z",
  data: { id: "doc_1", title: "Zażółć 😀", word_count: 3 },
};

test("members", () => {
  const { id, type, created_at, data, raw } = event();
  assert.deepEqual({ id, type, created_at, data }, plain);
  assert.equal(raw, BODY);
  assert.deepEqual(Object.keys(event()), ["id", "type", "created_at", "data"]);
});

test("an event behaves like a plain object", () => {
  assert.deepEqual({ ...event() }, plain);
  assert.deepEqual(structuredClone(event()), plain);
  assert.equal(JSON.stringify(event()), BODY);
  assert.deepEqual(event(), event());
  assert.notDeepEqual(event(), eventOf(bodyWith({ data: {} })));
  assert.deepEqual(Object.entries(event()), Object.entries(plain));
  assert.ok(Object.hasOwn(event(), "data"));
});

test("console.log shows the data", () => {
  const shown = inspect(event());
  assert.match(shown, /title: 'Zażółć 😀'/);
  assert.doesNotMatch(shown, /Getter|#|raw/);
});

test("the first access parses data, once", (t) => {
  const parse = t.mock.method(JSON, "parse");
  const routed = event();
  const before = parse.mock.callCount();
  const { data } = routed;
  assert.equal(parse.mock.callCount(), before + 1);
  assert.equal(routed.data, data);
  assert.equal(parse.mock.callCount(), before + 1);
  data.title = "changed"; // the object is the caller's
  assert.equal(routed.data.title, "changed");
  assert.equal(event().data.title, "Zażółć 😀");
});

test("a verified event cannot be changed", () => {
  const verified = event();
  for (const name of ["id", "type", "created_at", "data", "raw", "extra"]) {
    assert.throws(() => { verified[name] = "forged"; }, TypeError, name);
  }
  assert.throws(() => Object.defineProperty(verified, "data", { value: {} }), TypeError);
  assert.deepEqual({ ...verified }, plain);
});

test("unknown types, escapes and special JSON", () => {
  assert.equal(eventOf(bodyWith({ type: "video.rendered" })).type, "video.rendered");
  assert.equal(eventOf(bodyWith({ type: 'a"\\\u2028é' })).type, 'a"\\\u2028é');
  assert.equal(eventOf(BODY.replace("evt_a", "\\u0065vt_\\u00e4\\ud83d\\ude00")).id, "evt_ä😀1b2c3d4-5678-90ab-cdef-1234567890ab");
  assert.equal(eventOf(BODY.replace('"document.updated"', '"document\\u002eupdated"')).type, "document.updated");
  const odd = '{"lone":"\\ud83d","huge":1e999,"__proto__":{"polluted":true},"big":12345678901234567890}';
  const { data } = eventOf(BODY.replace(/"data":.*\}/s, `"data":${odd}}`));
  assert.equal(data.lone, "\ud83d");
  assert.equal(data.huge, Infinity);
  assert.ok(Object.hasOwn(data, "__proto__"));
  assert.equal({}.polluted, undefined);
});

test("positions are right for every text before data", () => {
  for (const text of ["", "a", "é", "ł", "€", "😀", "😀é€a".repeat(100)]) {
    for (const [time, body] of [["2026-03-28T12:00:00Z", `{"x":"${text}","data":{"y":"${text}"},"id":"${text}1","type":"${text}2","created_at":"2026-03-28T12:00:00Z"}`], ["2026-03-28t14:00:00+02:00", `{"id":"${text}1","created_at":"2026-03-28t14:00:00+02:00","type":"${text}2","data": {"y":"${text}"} , "z":"${text}"} \n`]]) {
      for (const form of [body, Buffer.from(body)]) {
        const verified = eventOf(form);
        assert.deepEqual({ ...verified }, { id: `${text}1`, type: `${text}2`, created_at: time, data: { y: text } });
        assert.equal(verified.raw, body);
      }
    }
  }
});

test("created_at is the text of the body", () => {
  const texts = ["0000-01-01T00:00:00Z", "1969-12-31T23:59:59.9999Z", "1970-01-01t00:00:00.000000001z", "9999-12-31T23:59:59.999-23:59", "2016-12-31T23:59:60Z"];
  for (const text of texts) assert.equal(eventOf(bodyWith({ created_at: text })).created_at, text);
  const { created_at } = eventOf(BODY.replace("12:00:00.123456Z", "12:00:00\\u005a"));
  assert.equal(created_at, "2026-03-28T12:00:00Z");
});

test("lone surrogates are replaced before the verification", () => {
  const body = bodyWith({}).replace("Zażółć", "\ud83d");
  const verified = eventOf(body);
  assert.equal(verified.raw, body.toWellFormed(), "the hashed text and the parsed text are one text");
});
