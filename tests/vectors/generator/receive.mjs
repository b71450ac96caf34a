// Receiving a delivery (docs/protocol.md#section-5-2). All expectations are written by hand.
import { SECRET, T, envelope, header, text } from "./common.mjs";
import { VectorFile } from "./file.mjs";

const DAY = 86400;
const MINUTE_AGO = "2024-03-28T07:59:00Z";

// The calls of a receiver, with times in seconds.
const claim = (ttl = 50) => ({ call: "claim", ttl });
const handle = { call: "handle" };
const complete = (ttl = DAY) => ({ call: "complete", ttl });
const release = { call: "release" };

// The responses, in full.
const JSON_ONLY = { "content-type": "application/json" };
const HANDLED = { status: 200, code: "handled", headers: JSON_ONLY, body: '{"code":"handled"}' };
const DUPLICATE = { status: 200, code: "duplicate", headers: JSON_ONLY, body: '{"code":"duplicate"}' };
const failure = (status, code, error, headers = JSON_ONLY) =>
  ({ status, code, headers, body: `{"code":"${code}","error":"${error}"}` });
const IN_PROGRESS = failure(409, "in_progress", "the event is being handled");
const HANDLER_FAILED = failure(500, "handler_failed", "the handler failed");
const STORE_UNAVAILABLE = failure(503, "store_unavailable", "the store of handled events is not available");
const NOT_POST = failure(405, "method_not_allowed", "webhooks are sent with POST", { ...JSON_ONLY, allow: "POST" });

export function receive() {
  const file = new VectorFile(
    "receive",
    [
      "Each case is a delivery to a receiver: the outcomes of its steps, and the expected calls, reports and response.",
      "README.md, section \"Receiving\", describes how to walk a case.",
    ],
    {
      Ordinary: "The delivery verifies, and each step has an ordinary outcome.",
      NoStore: "A receiver without a store passes every delivery to the handler.",
      Refused: "A rejected delivery reaches neither the store nor the handler.",
      Method: "A request whose method is not POST is rejected before its body is read.",
      Failed: "A step that fails: a handler or a store that raises an error.",
      Late: "A store that does not respond within the time-out.",
      Abandoned: "A handler that is cancelled or panics: there is no response, and the claim is released.",
      Times: "The lifetimes that the user has set.",
      ReplayWindow: "A done mark lives at least until the event can no longer be accepted.",
    },
  );
  const delivery = (created_at) => {
    const body = text(envelope(created_at === undefined ? {} : { created_at: JSON.stringify(created_at) }));
    return { body, signature: header(body), now: T };
  };
  const test = (comment, flags, { calls, reports = [], response, ...inputs }) =>
    file.test(comment, flags, { ...delivery(), ...inputs }, response?.status === 200 ? "valid" : "invalid", { calls, reports, logged: reports, response });

  const group = (dedup, webhook = {}, more = {}) =>
    file.group({ webhook: { secrets: [SECRET], ...webhook }, dedup, storeTimeout: 5, ...more });

  group(null);
  test("the handler returns", "NoStore", { handler: "returned", calls: [handle], response: HANDLED });
  test("the handler fails", ["NoStore", "Failed"], { handler: "failed", calls: [handle], reports: ["handler_failed"], response: HANDLER_FAILED });
  test("the handler is abandoned", ["NoStore", "Abandoned"], { handler: "abandoned", calls: [handle], response: null });
  refusals([]);

  group({});
  test("a new event", "Ordinary", { store: { claim: "new", complete: "written" }, handler: "returned", calls: [claim(), handle, complete()], response: HANDLED });
  test("an event that is being handled", "Ordinary", { store: { claim: "in_progress" }, calls: [claim()], response: IN_PROGRESS });
  test("an event that was handled", "Ordinary", { store: { claim: "done" }, calls: [claim()], response: DUPLICATE });
  test("the handler fails: the next delivery is handled", "Failed", {
    store: { claim: "new", release: "written" }, handler: "failed", calls: [claim(), handle, release], reports: ["handler_failed"], response: HANDLER_FAILED,
  });
  test("the handler is abandoned: the next delivery is handled", "Abandoned", {
    store: { claim: "new", release: "written" }, handler: "abandoned", calls: [claim(), handle, release], response: null,
  });
  for (const [outcome, flag] of [["failed", "Failed"], ["late", "Late"]]) {
    test("the claim: the handler is not called without a claim", flag, {
      store: { claim: outcome }, calls: [claim()], reports: ["store_unavailable"], response: STORE_UNAVAILABLE,
    });
    test("the done mark: the event was still handled", flag, {
      store: { claim: "new", complete: outcome }, handler: "returned",
      calls: [claim(), handle, complete()], reports: ["store_unavailable"], response: HANDLED,
    });
    test("the release after a handler that failed: both errors are reported, in order", flag, {
      store: { claim: "new", release: outcome }, handler: "failed",
      calls: [claim(), handle, release], reports: ["handler_failed", "store_unavailable"], response: HANDLER_FAILED,
    });
    test("the release after a handler that was abandoned", [flag, "Abandoned"], {
      store: { claim: "new", release: outcome }, handler: "abandoned",
      calls: [claim(), handle, release], reports: ["store_unavailable"], response: null,
    });
  }
  refusals(["Ordinary"]);

  group({ claimTtl: 5, doneTtl: 7 });
  test("both times reach the store", "Times", { store: { claim: "new", complete: "written" }, handler: "returned", calls: [claim(5), handle, complete(7)], response: HANDLED });
  test("the claim's time reaches a store that fails", ["Times", "Failed"], {
    store: { claim: "failed" }, calls: [claim(5)], reports: ["store_unavailable"], response: STORE_UNAVAILABLE,
  });

  const marked = (comment, created_at, ttl, claimTtl) => test(comment, "ReplayWindow", {
    ...delivery(created_at), store: { claim: "new", complete: "written" }, handler: "returned", calls: [claim(claimTtl), handle, complete(ttl)], response: HANDLED,
  });
  group({ doneTtl: 60 });
  marked("no maximum age: a mark has the lifetime that is set", undefined, 60);
  marked("no maximum age, created in the future", "2024-03-28T09:00:00Z", 60);
  group({ doneTtl: 60 }, { maxEventAge: 900 });
  marked("created now: accepted in 901 different seconds", "2024-03-28T08:00:00Z", 901);
  marked("created a minute ago", MINUTE_AGO, 841);
  marked("created half a second before now: the age counts whole seconds", "2024-03-28T07:59:59.500Z", 900);
  marked("created half a second after now", "2024-03-28T08:00:00.500Z", 901);
  marked("created in the future: accepted for longer by as much", "2024-03-28T08:00:30Z", 931);
  marked("created in another zone", "2024-03-28T09:59:00+02:00", 841);
  marked("accepted for 60 s more, which is the lifetime that is set", "2024-03-28T07:45:59Z", 60);
  marked("accepted for 61 s more", "2024-03-28T07:46:00Z", 61);
  marked("accepted in this second for the last time: the lifetime that is set is longer", "2024-03-28T07:45:00Z", 60);
  test("too old by a second: no mark is written", ["ReplayWindow", "Refused"], {
    ...delivery("2024-03-28T07:44:59Z"), calls: [], reports: ["event_too_old"],
    response: failure(400, "event_too_old", "the event was created too long ago: 901 s ago, and the maximum event age is 900 s"),
  });
  group({ doneTtl: 1 }, { maxEventAge: 0 });
  marked("a maximum age of 0: accepted in the second of its creation", "2024-03-28T08:00:00Z", 1);
  marked("a maximum age of 0, created in the future", "2024-03-28T08:00:01Z", 2);
  group({}, { maxEventAge: DAY - 1 });
  marked("a maximum age of a second less than a day: a day is enough", "2024-03-28T08:00:00Z", DAY);
  group({}, { maxEventAge: DAY });
  marked("a maximum age of a day: a second more than a day", "2024-03-28T08:00:00Z", 86401);
  group({}, { maxEventAge: 604800 });
  marked("a maximum age of a week", MINUTE_AGO, 604741);

  const size = envelope().length;
  group({}, {}, { maxBodyBytes: size });
  test("a body of exactly the limit", "Ordinary", { store: { claim: "new", complete: "written" }, handler: "returned", calls: [claim(), handle, complete()], response: HANDLED });
  group({}, {}, { maxBodyBytes: size - 1 });
  test("a body of one byte over the limit", "Refused", {
    calls: [], reports: ["body_too_large"],
    response: failure(413, "body_too_large", "the body exceeds the size limit"),
  });
  return file;

  /** Adds rejected deliveries, for receivers with and without a store. */
  function refusals(flags) {
    const refused = (comment, inputs, status, code, error) => test(comment, ["Refused", ...flags], {
      ...inputs, calls: [], reports: [code], response: failure(status, code, error),
    });
    refused("no signature", { signature: null }, 400, "missing_signature", "the signature header is missing");
    refused("a signature of another body", { body: text(`${envelope()} `) }, 400, "signature_mismatch", "no signature in the header matches the body");
    refused("signed too long ago", { now: T + 301 }, 400, "timestamp_too_old", "the delivery was signed too long ago: 301 s ago, and the tolerance is 300 s");
    for (const method of ["GET", "PUT", "post"]) {
      test(`${method}, with a correct signature`, ["Method", ...flags], { method, calls: [], response: NOT_POST });
    }
  }
}
