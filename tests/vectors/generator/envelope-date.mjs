// created_at: RFC 3339, with each field at its bounds. Expected times are written in UTC.
import { T, envelope, utc } from "./common.mjs";

export function createdAt(good, bad) {
  const moment = (flag, comment, value, seconds, nanos = 0) =>
    good(`created_at: ${comment}`, flag, envelope({ created_at: JSON.stringify(value) }), { createdAt: { seconds, nanos } });
  const no = (flag, comment, value) =>
    bad(`created_at: ${comment}`, flag, envelope({ created_at: JSON.stringify(value) }), "$.created_at");

  moment("DateTime", "lower-case t", "2024-03-28t08:00:00Z", T);
  moment("DateTime", "lower-case z", "2024-03-28T08:00:00z", T);
  moment("DateTime", "the epoch", "1970-01-01T00:00:00Z", 0);
  moment("DateTime", "a second before the epoch", "1969-12-31T23:59:59Z", -1);
  no("DateTime", "a space instead of T", "2024-03-28 08:00:00Z");
  no("DateTime", "an underscore instead of T", "2024-03-28_08:00:00Z");
  no("DateTime", "no separator", "2024-03-2808:00:00Z");
  no("DateTime", "no offset", "2024-03-28T08:00:00");
  no("DateTime", "a date only", "2024-03-28");
  no("DateTime", "a time only", "08:00:00Z");
  no("DateTime", "no seconds", "2024-03-28T08:00Z");
  no("DateTime", "the basic format of ISO 8601", "20240328T080000Z");
  no("DateTime", "a week date", "2024-W13-4T08:00:00Z");
  no("DateTime", "an ordinal date", "2024-088T08:00:00Z");
  no("DateTime", "a year of two digits", "24-03-28T08:00:00Z");
  no("DateTime", "a year of five digits", "12024-03-28T08:00:00Z");
  no("DateTime", "a year with a plus sign", "+2024-03-28T08:00:00Z");
  no("DateTime", "a year before 0000", "-0001-03-28T08:00:00Z");
  no("DateTime", "a month of one digit", "2024-3-28T08:00:00Z");
  no("DateTime", "an hour of one digit", "2024-03-28T8:00:00Z");
  no("DateTime", "slashes", "2024/03/28T08:00:00Z");
  no("DateTime", "a leading space", " 2024-03-28T08:00:00Z");
  no("DateTime", "a trailing space", "2024-03-28T08:00:00Z ");
  no("DateTime", "a trailing line feed, which a pattern ending in $ accepts", "2024-03-28T08:00:00Z\n");
  no("DateTime", "a trailing NUL", "2024-03-28T08:00:00Z\u0000");
  no("DateTime", "a zone's name in brackets", "2024-03-28T09:00:00+01:00[Europe/Warsaw]");
  no("DateTime", "Unix seconds in a string", "1711612800");
  no("DateTime", "the format of HTTP", "Thu, 28 Mar 2024 08:00:00 GMT");
  no("DateTime", "full-width digits", "\uff12\uff10\uff12\uff14-03-28T08:00:00Z");
  no("DateTime", "a word", "now");
  no("DateTime", "a space", " ");

  moment("Calendar", "the first moment of the year 0000", "0000-01-01T00:00:00Z", utc(0, 1, 1));
  moment("Calendar", "29 February of the year 0000", "0000-02-29T00:00:00Z", utc(0, 2, 29));
  moment("Calendar", "the last second of the year 9999", "9999-12-31T23:59:59Z", utc(9999, 12, 31, 23, 59, 59));
  moment("Calendar", "29 February of a leap year", "2024-02-29T23:59:59Z", utc(2024, 2, 29, 23, 59, 59));
  moment("Calendar", "29 February of 2000, a leap year divisible by 400", "2000-02-29T00:00:00Z", utc(2000, 2, 29));
  moment("Calendar", "31 December", "2024-12-31T00:00:00Z", utc(2024, 12, 31));
  no("Calendar", "29 February of a common year", "2023-02-29T00:00:00Z");
  no("Calendar", "29 February of 1900, a common year divisible by 100", "1900-02-29T00:00:00Z");
  no("Calendar", "29 February of 2100, a common year divisible by 100", "2100-02-29T00:00:00Z");
  no("Calendar", "30 February", "2024-02-30T00:00:00Z");
  no("Calendar", "31 April", "2024-04-31T00:00:00Z");
  no("Calendar", "32 January", "2024-01-32T00:00:00Z");
  no("Calendar", "day 00", "2024-03-00T00:00:00Z");
  no("Calendar", "month 00", "2024-00-28T00:00:00Z");
  no("Calendar", "month 13", "2024-13-28T00:00:00Z");
  no("Calendar", "hour 24", "2024-03-28T24:00:00Z");
  no("Calendar", "minute 60", "2024-03-28T08:60:00Z");
  no("Calendar", "second 61", "2024-03-31T23:59:61Z");

  moment("Offset", "+00:00", "2024-03-28T08:00:00+00:00", T);
  moment("Offset", "-00:00: an unknown zone", "2024-03-28T08:00:00-00:00", T);
  moment("Offset", "a whole hour east", "2024-03-28T09:00:00+01:00", T);
  moment("Offset", "hours west, over midnight", "2024-03-27T22:00:00-10:00", T);
  moment("Offset", "three quarters of an hour", "2024-03-28T13:45:00+05:45", T);
  moment("Offset", "the largest, +23:59", "2024-03-29T07:59:00+23:59", T);
  moment("Offset", "the smallest, -23:59", "2024-03-27T08:01:00-23:59", T);
  moment("Offset", "into the year before", "2024-01-01T00:30:00+01:00", utc(2023, 12, 31, 23, 30));
  moment("Offset", "before the year 0000 in UTC", "0000-01-01T00:00:00+23:59", utc(0, 1, 1) - 86340);
  moment("Offset", "after the year 9999 in UTC", "9999-12-31T23:59:59-23:59", utc(9999, 12, 31, 23, 59, 59) + 86340);
  no("Offset", "+24:00", "2024-03-28T08:00:00+24:00");
  no("Offset", "-24:00", "2024-03-28T08:00:00-24:00");
  no("Offset", "60 minutes", "2024-03-28T08:00:00+01:60");
  no("Offset", "without a colon", "2024-03-28T08:00:00+0000");
  no("Offset", "hours only", "2024-03-28T08:00:00+00");
  no("Offset", "with seconds", "2024-03-28T08:00:00+00:00:00");
  no("Offset", "hours of one digit", "2024-03-28T08:00:00+1:00");
  no("Offset", "Z and an offset", "2024-03-28T08:00:00Z+00:00");
  no("Offset", "the name UTC", "2024-03-28T08:00:00UTC");
  no("Offset", "a space before Z", "2024-03-28T08:00:00 Z");
  no("Offset", "a typographic minus", "2024-03-28T08:00:00\u221200:00");
  no("Offset", "another military letter", "2024-03-28T08:00:00A");

  moment("Fraction", "one digit", "2024-03-28T08:00:00.1Z", T, 100000000);
  moment("Fraction", "milliseconds, as JavaScript writes them", "2024-03-28T08:00:00.123Z", T, 123000000);
  moment("Fraction", "microseconds and an offset, as Python writes them", "2024-03-28T08:00:00.123456+00:00", T, 123456000);
  moment("Fraction", "nanoseconds", "2024-03-28T08:00:00.123456789Z", T, 123456789);
  moment("Fraction", "ten digits: the tenth is dropped", "2024-03-28T08:00:00.1234567899Z", T, 123456789);
  moment("Fraction", "a hundred digits", `2024-03-28T08:00:00.${"9".repeat(100)}Z`, T, 999999999);
  moment("Fraction", "zeros", "2024-03-28T08:00:00.000000000000Z", T);
  moment("Fraction", "a quarter of a second after one before the epoch", "1969-12-31T23:59:59.25Z", -1, 250000000);
  moment("Fraction", "less than a millisecond before the epoch: rounded down", "1969-12-31T23:59:59.9999999Z", -1, 999900000 + 99900);
  no("Fraction", "a point without digits", "2024-03-28T08:00:00.Z");
  no("Fraction", "a point without digits before an offset", "2024-03-28T08:00:00.+01:00");
  no("Fraction", "a comma", "2024-03-28T08:00:00,5Z");
  no("Fraction", "two points", "2024-03-28T08:00:00.1.2Z");
  no("Fraction", "a letter after the digits", "2024-03-28T08:00:00.1aZ");
  no("Fraction", "of a minute", "2024-03-28T08:00.5Z");

  const leap = utc(2016, 12, 31, 23, 59, 59);
  moment("LeapSecond", "the latest that happened", "2016-12-31T23:59:60Z", leap, 999999999);
  moment("LeapSecond", "with a fraction", "2016-12-31T23:59:60.5Z", leap, 999999999);
  moment("LeapSecond", "written with an offset west", "2016-12-31T15:59:60-08:00", leap, 999999999);
  moment("LeapSecond", "written with an offset east, on the day after", "2017-01-01T00:59:60+01:00", leap, 999999999);
  moment("LeapSecond", "at the end of June", "2015-06-30T23:59:60Z", utc(2015, 6, 30, 23, 59, 59), 999999999);
  moment("LeapSecond", "at the end of February of a leap year", "2024-02-29T23:59:60Z", utc(2024, 2, 29, 23, 59, 59), 999999999);
  no("LeapSecond", "the day before the month's last", "2016-12-30T23:59:60Z");
  no("LeapSecond", "28 February of a leap year", "2024-02-28T23:59:60Z");
  no("LeapSecond", "an hour too early", "2016-12-31T22:59:60Z");
  no("LeapSecond", "a minute too early", "2016-12-31T23:58:60Z");
  no("LeapSecond", "at the end of the month in another zone than UTC", "2016-12-31T23:59:60+01:00");
  no("LeapSecond", "at the end of a day", "2024-03-28T23:59:60Z");
}
