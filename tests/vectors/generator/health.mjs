// A subscription's health over several deliveries (docs/protocol.md#section-6). Expected counts are written by hand.
import { VectorFile } from "./file.mjs";

const OK = { status: 200 };
const BAD = { status: 503 };
const DEACTIVATED = { state: "failed", reason: "subscription_deactivated" };
const EXHAUSTED = { state: "failed", reason: "attempts_exhausted" };
const again = (at) => ({ state: "retry", at });

// Steps. `ended` names the deliveries whose pending retries end in this step.
const expect = (consecutiveFailures, active = true, ended = []) => ({ consecutiveFailures, active, ended });
const attempt = (at, delivery, outcome, state, expected) => ({ step: "attempt", at, delivery, outcome, expect: { state, ...expected } });
const event = (at, delivery, state, expected) => ({ step: "event", at, delivery, expect: { state: { state }, ...expected } });
const reactivate = (at) => ({ step: "reactivate", at, expect: expect(0) });
const testEvent = (at, outcome, expected) => ({ step: "test_event", at, outcome, expect: expected });

/** Returns failing first attempts of `count` deliveries, 100 ms apart. `before` failures precede them. */
const failing = (count, before = 0, from = 0, name = "d") =>
  Array.from({ length: count }, (_, n) =>
    attempt(from + n * 100, `${name}${n + 1}`, BAD, again(from + n * 100 + 1000), expect(before + n + 1)));

const success = (at, delivery) => attempt(at, delivery, OK, { state: "delivered" }, expect(0));
/** Returns the step that deactivates the subscription: the tenth failure, on a delivery's first attempt. */
const tenth = (at, delivery, ended) => attempt(at, delivery, BAD, DEACTIVATED, expect(10, false, ended));
const names = (count, name = "d") => Array.from({ length: count }, (_, n) => `${name}${n + 1}`);

export function health() {
  const file = new VectorFile(
    "health",
    [
      "Timelines of one subscription, in milliseconds. Attempts take no time. After each step the subscription must be as",
      "`expect` says. `ended` names the other deliveries whose pending retries end in this step, failed with the reason",
      "subscription_deactivated. `result` is valid if the subscription is active at the end, and invalid otherwise.",
      "A delivery begins with an `event` step, or with its first attempt if nothing depends on the step. `start` starts an attempt,",
      "which runs until its `attempt` step. A step without consecutiveFailures does not check the count.",
    ],
    {
      Count: "Consecutive failed attempts count over all deliveries.",
      Success: "A success sets the count to 0.",
      Deactivation: "The tenth consecutive failure deactivates the subscription, and ends pending deliveries.",
      Reactivation: "Reactivation is manual, and sets the count to 0.",
      TestEvent: "Attempts of test events are not counted, whatever their outcome.",
      Held: "Events that happen while the subscription is inactive are held, and nothing is sent.",
      InFlight: "An attempt that was running when the subscription was deactivated is not a pending retry, and ends by itself.",
      Outcome: "A failure is an outcome that fails an attempt.",
    },
  );
  file.group({ limit: 10 });
  const active = (comment, flags, ...steps) => file.valid(comment, flags, { steps: steps.flat() });
  const inactive = (comment, flags, ...steps) => file.invalid(comment, flags, { steps: steps.flat() }, {});

  active("a success as the first attempt", "Success", success(0, "d1"));
  active("nine failures of nine deliveries", "Count", failing(9));
  inactive("ten failures of ten deliveries", ["Count", "Deactivation"], failing(9), tenth(900, "d10", names(9)));
  const fourFailures = (from, name, before) => [
    attempt(from, name, BAD, again(from + 1000), expect(before + 1)),
    attempt(from + 1000, name, BAD, again(from + 11000), expect(before + 2)),
    attempt(from + 11000, name, BAD, again(from + 71000), expect(before + 3)),
    attempt(from + 71000, name, BAD, EXHAUSTED, expect(before + 4)),
  ];
  active("four failures of one delivery: the delivery ends, the subscription does not", "Count", fourFailures(0, "d1", 0));
  inactive("ten failures of three deliveries, one after the other", ["Count", "Deactivation"],
    fourFailures(0, "d1", 0), fourFailures(100000, "d2", 4),
    attempt(200000, "d3", BAD, again(201000), expect(9)), attempt(201000, "d3", BAD, DEACTIVATED, expect(10, false)));
  inactive("the tenth failure is also a delivery's fourth: its attempts are exhausted, the others are deactivated",
    ["Count", "Deactivation"],
    attempt(0, "d1", BAD, again(1000), expect(1)), attempt(1000, "d1", BAD, again(11000), expect(2)),
    attempt(11000, "d1", BAD, again(71000), expect(3)), failing(6, 3, 70000, "e"),
    attempt(71000, "d1", BAD, EXHAUSTED, expect(10, false, names(6, "e"))));
  inactive("deliveries that are over are not ended again", "Deactivation",
    success(0, "d1"), fourFailures(1000, "d2", 0), failing(5, 4, 80000, "e"), tenth(81000, "f1", names(5, "e")));

  active("a success in the middle", "Success", failing(3), success(500, "d4"), failing(2, 0, 600, "e"));
  active("nine failures, a success, nine failures", ["Success", "Count"],
    failing(9), success(900, "s1"), failing(9, 0, 1000, "e"));
  inactive("nine failures, a success, ten failures", ["Success", "Count", "Deactivation"],
    failing(9), success(900, "s1"), failing(9, 0, 1000, "e"), tenth(1900, "e10", [...names(9), ...names(9, "e")]));
  active("the success of a retry sets the count to 0 as well", "Success",
    failing(9), attempt(1000, "d1", OK, { state: "delivered" }, expect(0)), failing(1, 0, 1001, "e"));
  inactive("a delivery that succeeded on a retry has nothing left to end", ["Success", "Deactivation"],
    failing(2), attempt(1000, "d1", OK, { state: "delivered" }, expect(0)), failing(9, 0, 1001, "e"),
    tenth(1999, "f1", ["d2", ...names(9, "e")]));

  const outcomes = [{ status: 301 }, { status: 404 }, { status: 429 }, { status: 500 }, { failure: "timeout" },
    { failure: "connection" }, { failure: "tls" }, { status: 199 }, { status: 300 }];
  inactive("failures of all kinds count equally", ["Outcome", "Deactivation"],
    outcomes.map((outcome, n) => attempt(n * 100, `d${n + 1}`, outcome, again(n * 100 + 1000), expect(n + 1))),
    tenth(900, "d10", names(9)));
  active("any 2xx is a success", "Outcome",
    failing(9), attempt(900, "s1", { status: 204 }, { state: "delivered" }, expect(0)));

  const down = [...failing(9), tenth(900, "d10", names(9))];
  active("reactivated by hand", "Reactivation", down, reactivate(5000));
  active("reactivated, then nine failures", ["Reactivation", "Count"], down, reactivate(5000), failing(9, 0, 6000, "e"));
  inactive("reactivated, then ten failures", ["Reactivation", "Deactivation"],
    down, reactivate(5000), failing(9, 0, 6000, "e"), tenth(6900, "e10", names(9, "e")));
  active("reactivated, then a success", ["Reactivation", "Success"], down, reactivate(5000), success(6000, "e1"));

  active("a failed test event does not count", "TestEvent", failing(9), testEvent(900, BAD, expect(9)));
  active("ten failed test events deactivate nothing", "TestEvent",
    Array.from({ length: 10 }, (_, n) => testEvent(n * 100, BAD, expect(0))));
  inactive("a test event's success does not set the count to 0", ["TestEvent", "Deactivation"],
    failing(9), testEvent(850, OK, expect(9)), tenth(900, "d10", names(9)));
  inactive("a test event's success does not reactivate", ["TestEvent", "Deactivation"], down, testEvent(5000, OK, expect(10, false)));

  active("an event while active is pending", "Held", event(0, "d1", "pending", expect(0)), success(1, "d1"));
  inactive("events while inactive are held", ["Held", "Deactivation"],
    down, event(1000, "e1", "held", expect(10, false)), event(2000, "e2", "held", expect(10, false)));
  active("events after reactivation are pending again", ["Held", "Reactivation"],
    down, event(1000, "e1", "held", expect(10, false)), reactivate(5000), event(6000, "e2", "pending", expect(0)), success(6001, "e2"));
  active("an event at nine failures is still pending", "Held", failing(9), event(900, "e1", "pending", expect(9)));

  // An eleventh delivery whose attempt starts before the tenth failure and ends after it.
  const start = (at, delivery, expected) => ({ step: "start", at, delivery, expect: { state: { state: "pending" }, ...expected } });
  const underWay = (...before) => [...failing(9), ...before, start(890, "late", expect(9)), tenth(900, "d10", names(9))];
  const ends = (outcome, state) => ({
    step: "attempt", at: 1000, delivery: "late", outcome, expect: { state, active: false, ended: [] },
  });
  const happens = event(880, "late", "pending", expect(9));
  inactive("an attempt that runs during the deactivation fails: no retry follows", ["InFlight", "Deactivation"],
    underWay(happens), ends(BAD, DEACTIVATED));
  inactive("an attempt that runs during the deactivation succeeds: delivered, and the subscription stays inactive",
    ["InFlight", "Deactivation"], underWay(happens), ends(OK, { state: "delivered" }));
  return file;
}
