// One delivery's attempts (docs/protocol.md#section-6). All expected times are written by hand.
import { VectorFile } from "./file.mjs";

const status = (code) => ({ status: code });
const failure = (kind) => ({ failure: kind });
const again = (at) => ({ state: "retry", at });
const DELIVERED = { state: "delivered" };
const EXHAUSTED = { state: "failed", reason: "attempts_exhausted" };
const attempt = (at, took, outcome, expect) => ({ at, took, outcome, expect });

export function retry() {
  const file = new VectorFile(
    "retry",
    [
      "Timelines of one delivery, in milliseconds since its first attempt started. An attempt starts at `at`, lasts `took` and",
      "ends with `outcome`. Then the delivery must be in the state `expect`, which names the time of a retry.",
      "`result` is valid if the delivery ends as delivered, and invalid if it ends as failed.",
    ],
    {
      Success: "A 2xx status ends the delivery, on any attempt.",
      Schedule: "Retries start 1 s, 10 s and 60 s after the end of the previous failure.",
      Exhausted: "The failure of the third retry, which is the fourth attempt, ends the delivery.",
      Status: "Every status other than 2xx fails, including redirects, and none changes the schedule.",
      Failure: "An attempt without a response fails like a failing status.",
      Late: "A retry that starts late: the next retry still counts from its failure.",
    },
  );
  file.group({ retryDelays: [1000, 10000, 60000], timeout: 10000 });
  const delivered = (comment, flags, ...attempts) => file.valid(comment, flags, { attempts });
  const failed = (comment, flags, ...attempts) => file.invalid(comment, flags, { attempts }, {});
  const outcomes = (comment, flags, ends, ...[first, second, third, fourth]) =>
    (ends === DELIVERED ? delivered : failed)(comment, flags,
      attempt(0, 0, first, again(1000)), attempt(1000, 0, second, again(11000)), attempt(11000, 0, third, again(71000)),
      attempt(71000, 0, fourth, ends));

  delivered("the first attempt succeeds", "Success", attempt(0, 120, status(200), DELIVERED));
  delivered("the first retry succeeds", ["Success", "Schedule"],
    attempt(0, 200, status(503), again(1200)), attempt(1200, 50, status(200), DELIVERED));
  delivered("the second retry succeeds", ["Success", "Schedule"],
    attempt(0, 200, status(503), again(1200)), attempt(1200, 300, status(503), again(11500)), attempt(11500, 50, status(200), DELIVERED));
  delivered("the third retry succeeds", ["Success", "Schedule"],
    attempt(0, 200, status(503), again(1200)), attempt(1200, 300, status(503), again(11500)),
    attempt(11500, 400, status(503), again(71900)), attempt(71900, 50, status(200), DELIVERED));
  failed("all four attempts fail at once", ["Exhausted", "Schedule"],
    attempt(0, 0, status(500), again(1000)), attempt(1000, 0, status(500), again(11000)),
    attempt(11000, 0, status(500), again(71000)), attempt(71000, 0, status(500), EXHAUSTED));
  failed("all four attempts take a while: delays count from the failure, not from the start", ["Exhausted", "Schedule"],
    attempt(0, 250, status(500), again(1250)), attempt(1250, 750, status(500), again(12000)),
    attempt(12000, 1, status(500), again(72001)), attempt(72001, 9999, status(500), EXHAUSTED));
  failed("four time-outs: the last attempt starts 101 s after the first", ["Exhausted", "Failure"],
    attempt(0, 10000, failure("timeout"), again(11000)), attempt(11000, 10000, failure("timeout"), again(31000)),
    attempt(31000, 10000, failure("timeout"), again(101000)), attempt(101000, 10000, failure("timeout"), EXHAUSTED));

  for (const code of [200, 201, 202, 204, 206, 299]) {
    delivered(`status ${code} is a success`, ["Success", "Status"], attempt(0, 10, status(code), DELIVERED));
  }
  delivered("a success just before the time-out", "Success", attempt(0, 9999, status(200), DELIVERED));
  outcomes("redirects fail and are not followed", ["Status", "Exhausted"], EXHAUSTED, status(301), status(302), status(307), status(308));
  outcomes("the other redirects fail", ["Status", "Exhausted"], EXHAUSTED, status(300), status(303), status(304), status(399));
  outcomes("informational statuses fail", ["Status", "Exhausted"], EXHAUSTED, status(100), status(101), status(103), status(199));
  outcomes("client errors fail and are retried", ["Status", "Exhausted"], EXHAUSTED, status(400), status(401), status(403), status(404));
  outcomes("409, with which a receiver requests a retry, then a success", ["Status", "Success"], DELIVERED,
    status(409), status(409), status(409), status(200));
  outcomes("410 and 429 have no special meaning", ["Status", "Exhausted"], EXHAUSTED, status(410), status(429), status(410), status(429));
  outcomes("server errors fail", ["Status", "Exhausted"], EXHAUSTED, status(500), status(502), status(504), status(599));
  outcomes("the bounds of 2xx: 199 and 300 fail, 299 succeeds", ["Status", "Success"], DELIVERED, status(199), status(300), status(199), status(299));

  outcomes("refused or broken connections", ["Failure", "Exhausted"], EXHAUSTED, ...Array(4).fill(failure("connection")));
  outcomes("a bad certificate", ["Failure", "Exhausted"], EXHAUSTED, ...Array(4).fill(failure("tls")));
  outcomes("a mixture of failures, then a success", ["Failure", "Success"], DELIVERED,
    failure("connection"), failure("tls"), status(503), status(204));
  delivered("a time-out, then a success", ["Failure", "Success"],
    attempt(0, 10000, failure("timeout"), again(11000)), attempt(11000, 80, status(200), DELIVERED));

  failed("every retry starts late", ["Late", "Schedule", "Exhausted"],
    attempt(0, 100, status(500), again(1100)), attempt(5000, 100, status(500), again(15100)),
    attempt(15600, 100, status(500), again(75700)), attempt(3600000, 100, status(500), EXHAUSTED));
  delivered("the sender was down for a day between failure and retry", ["Late", "Success"],
    attempt(0, 100, status(500), again(1100)), attempt(86400000, 100, status(200), DELIVERED));
  return file;
}
