// The tolerance and the maximum event age, on both sides of each bound.
import { BODY, CREATED_AT, EVENT, SECRET, T, envelope, event, header, signed, text, utc } from "./common.mjs";

const MAX = Number.MAX_SAFE_INTEGER;
const YEAR = 365 * 86400;

export function times(file) {
  const at = (now, t = T) => ({ body: BODY, signature: header(BODY, t), now });
  const good = (comment, inputs, flag = "Tolerance") => file.valid(comment, flag, inputs, EVENT);
  const old = (comment, inputs, flag = "Tolerance") => file.invalid(comment, flag, inputs, "timestamp_too_old");
  const future = (comment, inputs, flag = "Tolerance") => file.invalid(comment, flag, inputs, "timestamp_in_future");

  file.group({ webhook: { secrets: [SECRET] } });
  good("300 s old: only older is rejected", at(T + 300));
  old("301 s old", at(T + 301));
  old("a year old", at(T + YEAR));
  good("300 s in the future", at(T - 300));
  future("301 s in the future", at(T - 301));
  future("a year in the future", at(T - YEAR));
  good("t 0 at second 300", at(300, 0));
  old("t 0 at second 301", at(301, 0));
  good("a clock before 1970: second -300 and t 0", at(-300, 0));
  future("a clock before 1970: second -301 and t 0", at(-301, 0));
  good("the largest t, 300 s old", at(999999999999 + 300, 999999999999));
  old("the largest t, 301 s old", at(999999999999 + 301, 999999999999));
  future("the largest t today", at(T, 999999999999));
  old("the largest now that every host language represents exactly", at(MAX), "Arithmetic");
  future("the smallest now that every host language represents exactly", at(-MAX), "Arithmetic");
  old("the largest now and t 0", at(MAX, 0), "Arithmetic");
  future("the smallest now and the largest t", at(-MAX, 999999999999), "Arithmetic");

  file.group({ webhook: { secrets: [SECRET], tolerance: 300 } });
  good("the default written out: 300 s old", at(T + 300));
  old("the default written out: 301 s old", at(T + 301));

  file.group({ webhook: { secrets: [SECRET], tolerance: 0 } });
  good("tolerance 0 in the same second", at(T));
  old("tolerance 0, one second old", at(T + 1));
  future("tolerance 0, one second in the future", at(T - 1));

  file.group({ webhook: { secrets: [SECRET], tolerance: 86400 } });
  good("tolerance of a day, a day old", at(T + 86400));
  old("tolerance of a day, a day and a second old", at(T + 86401));
  good("tolerance of a day, a day in the future", at(T - 86400));
  future("tolerance of a day, a day and a second in the future", at(T - 86401));

  file.group({ webhook: { secrets: [SECRET], tolerance: MAX } });
  good("a huge tolerance and an equal age", at(MAX, 0), "Arithmetic");
  good("a huge tolerance and an equal time ahead", at(-MAX, 0), "Arithmetic");
  future("a huge tolerance and one second more ahead: beyond exact doubles", at(-MAX, 1), "Arithmetic");

  eventAge(file);
}

function eventAge(file) {
  // Each delivery has `now` as its `t`, like a replay with a new `t`.
  const created = (value) => text(envelope({ created_at: JSON.stringify(value) }));
  const good = (comment, value, seconds, nanos, now) =>
    file.valid(comment, "EventAge", signed(created(value), now), event({ createdAt: { seconds, nanos } }));
  const old = (comment, value, now) => file.invalid(comment, "EventAge", signed(created(value), now), "event_too_old");

  file.group({ webhook: { secrets: [SECRET] } });
  good("no maximum unless one is set: ten years old", CREATED_AT, T, 0, T + 10 * YEAR);

  file.group({ webhook: { secrets: [SECRET], maxEventAge: 900 } });
  good("just created", CREATED_AT, T, 0, T);
  good("exactly the maximum", CREATED_AT, T, 0, T + 900);
  old("one second over the maximum", CREATED_AT, T + 901);
  old("a replay a year later with a fresh t", CREATED_AT, T + YEAR);
  good("a nanosecond under the maximum", "2024-03-28T08:00:00.000000001Z", T, 1, T + 900);
  old("a nanosecond over the maximum", "2024-03-28T07:59:59.999999999Z", T + 900);
  old("ten digits of fraction are truncated, not rounded up to the maximum", "2024-03-28T07:59:59.9999999999Z", T + 900);
  good("half a second under", "2024-03-28T08:00:00.5Z", T, 500000000, T + 900);
  old("half a second over", "2024-03-28T07:59:59.5Z", T + 900);
  good("the offset counts: the maximum in another zone", "2024-03-28T13:45:00+05:45", T, 0, T + 900);
  old("the offset counts: over the maximum in another zone", "2024-03-28T00:00:00-08:00", T + 901);
  good("created a day from now: a wrong clock of the sender is not a replay", "2024-03-29T08:00:00Z", T + 86400, 0, T);
  old("the year 0000", "0000-01-01T00:00:00Z", T);
  good("the year 9999", "9999-12-31T23:59:59Z", utc(9999, 12, 31, 23, 59, 59), 0, T);

  file.group({ webhook: { secrets: [SECRET], maxEventAge: 0 } });
  good("maximum 0 in the same second", CREATED_AT, T, 0, T);
  old("maximum 0, one second old", CREATED_AT, T + 1);
  old("maximum 0, half a second old", "2024-03-28T08:00:00.5Z", T + 1);

  file.group({ webhook: { secrets: [SECRET], tolerance: MAX, maxEventAge: 0 } });
  const before1970 = created("1969-12-31T23:59:59.5Z");
  file.valid("before 1970: created half a second after now", "EventAge",
    { body: before1970, signature: header(before1970, 0), now: -1 }, event({ createdAt: { seconds: -1, nanos: 500000000 } }));
  file.invalid("before 1970: created half a second before now", "EventAge",
    { body: before1970, signature: header(before1970, 0), now: 0 }, "event_too_old");
  file.invalid("the largest now: the age in nanoseconds does not fit 64 bits", ["EventAge", "Arithmetic"],
    { body: BODY, signature: header(BODY, 0), now: MAX }, "event_too_old");
  file.valid("the smallest now", ["EventAge", "Arithmetic"],
    { body: BODY, signature: header(BODY, 0), now: -MAX }, EVENT);

  file.group({ webhook: { secrets: [SECRET], tolerance: MAX, maxEventAge: MAX } });
  const ancient = created("0000-01-01T00:00:00Z");
  file.valid("a huge maximum accepts the year 0000", ["EventAge", "Arithmetic"], signed(ancient),
    event({ createdAt: { seconds: utc(0, 1, 1), nanos: 0 } }));
  const second = created("1970-01-01T00:00:00Z");
  file.valid("a huge maximum and an equal age", ["EventAge", "Arithmetic"],
    { body: second, signature: header(second, 0), now: MAX }, event({ createdAt: { seconds: 0, nanos: 0 } }));
  const earlier = created("1969-12-31T23:59:59Z");
  file.invalid("a huge maximum and one second more: beyond exact doubles", ["EventAge", "Arithmetic"],
    { body: earlier, signature: header(earlier, 0), now: MAX }, "event_too_old");
}
