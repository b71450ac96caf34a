// The claim table of handled events (docs/protocol.md#section-5-2). All expectations but the hashes are written by hand.
import { createHash } from "node:crypto";

import { repeated } from "./common.mjs";
import { VectorFile } from "./file.mjs";

const CLAIM = 60000;
const DAY = 86400000;
// The file names the token of each claim.
const fresh = (at, id, token, ttl = CLAIM) => ({ step: "claim", at, id, ttl, expect: "new", token });
const claim = (at, id, expect, ttl = CLAIM) => ({ step: "claim", at, id, ttl, expect });
const complete = (at, id, ttl = DAY) => ({ step: "complete", at, id, ttl, expect: "ok" });
const full = (at, id, ttl = DAY) => ({ step: "complete", at, id, ttl, expect: "full" });
const release = (id, token) => ({ step: "release", id, token });
const key = (id, text) => ({ step: "key", id, key: text });

export function dedup() {
  const file = new VectorFile(
    "dedup",
    [
      "Timelines of one store of handled events, in milliseconds from a start. `claim` returns `new` (and a token, which the file",
      "names), `in_progress`, `done` or `full`. `complete` returns `ok` or `full`. `release` returns nothing. `key` is the key",
      "of an id in shared stores. An id is a text, or a repeated unit.",
    ],
    {
      Ordinary: "An event that is handled, or fails and is retried.",
      Expiry: "Claims and done marks end, to the millisecond.",
      Fence: "The holder of an expired claim cannot release the next claim.",
      Clock: "A clock that is set back extends a claim or mark by its remaining time at most. A step of at most a second back is ignored.",
      Capacity: "A full store removes expired entries, then the oldest done mark, and never a claim.",
      Id: "Ids of every form. Long ids are stored as their hash.",
    },
  );
  const timeline = (comment, flags, ...steps) => file.valid(comment, flags, { steps });

  file.group({ capacity: 100000 });
  timeline("handled, and delivered again", "Ordinary", fresh(0, "a", "A"), complete(20, "a"), claim(1000, "a", "done"), claim(71000, "a", "done"));
  timeline("delivered again while it is being handled", "Ordinary", fresh(0, "a", "A"), claim(1, "a", "in_progress"), complete(2, "a"), claim(3, "a", "done"));
  timeline("fails, is released and is retried", "Ordinary", fresh(0, "a", "A"), release("a", "A"), fresh(0, "a", "B"), complete(1, "a"), claim(2, "a", "done"));
  timeline("two events are independent", "Ordinary", fresh(0, "a", "A"), fresh(0, "b", "B"), complete(1, "a"), claim(2, "b", "in_progress"), release("b", "B"), claim(3, "a", "done"), fresh(3, "b", "C"));
  timeline("completed without a claim", "Ordinary", complete(0, "a"), claim(1, "a", "done"));
  timeline("releasing an event that was never claimed does nothing", "Ordinary", fresh(0, "b", "B"), release("a", "B"), fresh(1, "a", "A"));

  timeline("a claim expires", "Expiry", fresh(0, "a", "A"), claim(59999, "a", "in_progress"), fresh(60000, "a", "B"), claim(119999, "a", "in_progress"), fresh(120000, "a", "C"));
  timeline("another claim attempt does not extend a claim", "Expiry", fresh(0, "a", "A"), claim(30000, "a", "in_progress"), claim(59999, "a", "in_progress"), fresh(60000, "a", "B"));
  timeline("a done mark expires", "Expiry", complete(0, "a", 5000), claim(4999, "a", "done"), fresh(5000, "a", "A"));
  timeline("completing again extends a done mark", "Expiry", complete(0, "a", 5000), complete(4000, "a", 5000), claim(8999, "a", "done"), fresh(9000, "a", "A"));
  timeline("a lifetime of zero has already expired", "Expiry", fresh(0, "a", "A", 0), fresh(0, "a", "B", 0), complete(0, "a", 0), fresh(0, "a", "C"));

  timeline("a late release", "Fence", fresh(0, "a", "A"), fresh(60000, "a", "B"), release("a", "A"), claim(60001, "a", "in_progress"), release("a", "B"), fresh(60002, "a", "C"));
  timeline("a late completion counts: the event was handled", "Fence", fresh(0, "a", "A"), fresh(60000, "a", "B"), complete(60001, "a"), claim(60002, "a", "done"));
  timeline("a release after the completion undoes nothing", "Fence", fresh(0, "a", "A"), complete(1, "a"), release("a", "A"), claim(2, "a", "done"));
  timeline("releasing twice", "Fence", fresh(0, "a", "A"), release("a", "A"), fresh(1, "a", "B"), release("a", "A"), claim(2, "a", "in_progress"));
  timeline("the token of another event", "Fence", fresh(0, "a", "A"), fresh(0, "b", "B"), release("a", "B"), claim(1, "a", "in_progress"));

  timeline("set back by an hour", "Clock", fresh(3600000, "a", "A"), claim(0, "a", "in_progress"), claim(59999, "a", "in_progress"), fresh(60000, "a", "B"));
  timeline("set back in the middle of a claim", "Clock", fresh(3600000, "a", "A"), claim(3640000, "a", "in_progress"), claim(0, "a", "in_progress"), claim(19999, "a", "in_progress"), fresh(20000, "a", "B"));
  timeline("set back and forward again", "Clock", fresh(3600000, "a", "A"), claim(0, "a", "in_progress"), fresh(3600000, "a", "B"));
  timeline("a second back is an unordered read of threads, not a setting", "Clock", fresh(2000, "a", "A"), claim(1000, "a", "in_progress"), claim(61999, "a", "in_progress"), fresh(62000, "a", "B"));
  timeline("more than a second back is a setting", "Clock", fresh(2000, "a", "A"), claim(999, "a", "in_progress"), claim(60998, "a", "in_progress"), fresh(60999, "a", "B"));
  timeline("unordered reads do not move the time forward", "Clock", fresh(1000, "a", "A"), claim(0, "a", "in_progress"), claim(1000, "a", "in_progress"), claim(0, "a", "in_progress"), claim(1000, "a", "in_progress"), claim(60999, "a", "in_progress"), fresh(61000, "a", "B"));
  timeline("set back twice", "Clock", fresh(100000, "a", "A"), claim(50000, "a", "in_progress"), claim(0, "a", "in_progress"), claim(59999, "a", "in_progress"), fresh(60000, "a", "B"));

  file.group({ capacity: 2 });
  timeline("full of claims", "Capacity", fresh(0, "a", "A"), fresh(0, "b", "B"), claim(1, "c", "full"), claim(2, "a", "in_progress"), release("a", "A"), fresh(3, "c", "C"));
  timeline("full of claims, one of them expired", ["Capacity", "Expiry"], fresh(0, "a", "A"), fresh(1, "b", "B"), claim(59999, "c", "full"), fresh(60000, "c", "C"), claim(60000, "d", "full"), fresh(60001, "d", "D"));
  timeline("claiming an expired claim again needs no more room", "Capacity", fresh(0, "a", "A"), fresh(0, "b", "B", 120000), fresh(60000, "a", "C"), claim(60001, "b", "in_progress"));
  timeline("the oldest done mark is removed", "Capacity", complete(0, "b"), complete(1, "a"), complete(2, "b"), fresh(3, "c", "C"), claim(3, "b", "done"), fresh(4, "a", "A"), claim(5, "b", "full"));
  timeline("a done mark is removed, a claim is not", "Capacity", fresh(0, "a", "A"), complete(1, "b"), fresh(2, "c", "C"), claim(3, "a", "in_progress"), claim(4, "b", "full"));
  timeline("the oldest done mark is removed, whatever its remaining time", "Capacity", complete(0, "a", 9000), complete(1, "b", 5000), fresh(2, "c", "C"), claim(3, "b", "done"));
  timeline("completing a claim needs no more room", "Capacity", fresh(0, "a", "A"), fresh(0, "b", "B"), complete(1, "a"), complete(1, "b"), claim(2, "a", "done"), claim(2, "b", "done"));
  timeline("completing after the claim was removed", "Capacity", fresh(0, "a", "A"), fresh(0, "b", "B", 120000), fresh(60000, "c", "C"), full(60001, "a"), complete(60002, "b"), complete(60003, "a"), claim(60004, "a", "done"));
  file.group({ capacity: 1 });
  timeline("room for one", "Capacity", fresh(0, "a", "A"), claim(1, "b", "full"), complete(2, "a"), fresh(3, "b", "B"), claim(4, "a", "full"));

  const long = repeated("", "x", 1025, "");
  const wide = repeated("", "\u00e9", 513, "");
  const digest = (text) => createHash("sha256").update(text).digest("hex");
  file.group({ capacity: 10 });
  timeline("1,024 bytes are stored unchanged", "Id", key(repeated("", "x", 1024, ""), "x".repeat(1024)), key("evt_1", "evt_1"));
  timeline("1,025 bytes are stored as their hash", "Id", key(long, digest("x".repeat(1025))), fresh(0, long, "A"), claim(1, long, "in_progress"), fresh(2, repeated("y", "x", 1024, ""), "B"), complete(3, long), claim(4, long, "done"));
  timeline("bytes count, not characters", "Id", key(repeated("", "\u00e9", 512, ""), "\u00e9".repeat(512)), key(wide, digest("\u00e9".repeat(513))));
  timeline("ids are compared byte by byte", "Id", fresh(0, "a", "A"), fresh(0, "A", "B"), fresh(0, " a", "C"), fresh(0, "\u00e9", "D"), fresh(0, "e\u0301", "E"), fresh(0, "a\u0000", "F"), fresh(0, "\u{1f511}", "G"), claim(1, "a\u0000", "in_progress"));
  return file;
}
