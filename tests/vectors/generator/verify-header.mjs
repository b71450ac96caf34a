// The grammar of the signature header: valid and malformed headers.
import { BODY, EVENT, SECRET, T, header, mac } from "./common.mjs";

const GOOD = mac(BODY);
const WRONG = "0".repeat(64);
const repeat = (value, count) => Array(count).fill(value);

export function headerGrammar(file) {
  file.group({ webhook: { secrets: [SECRET] } });
  const inputs = (signature, now = T) => ({ body: BODY, signature, now });
  const good = (comment, flags, signature, now) => file.valid(comment, flags, inputs(signature, now), EVENT);
  const bad = (comment, flags, signature, now) => file.invalid(comment, flags, inputs(signature, now), "malformed_signature");
  const missing = (comment, signature) => file.invalid(comment, "Missing", inputs(signature), "missing_signature");

  good("the header as clarife sends it", "Valid", header(BODY));

  missing("no header", null);
  missing("an empty header", "");
  missing("one space", " ");
  missing("one tab", "\t");
  missing("spaces and tabs", " \t \t");
  missing("5,000 spaces: the check for a blank header comes before the limit", " ".repeat(5000));
  bad("a line feed is not blank, and is invalid in a header", ["Missing", "Characters"], "\n");
  bad("a no-break space is not blank", ["Missing", "Characters"], "\u00a0");

  const t = (value) => `t=${value},v1=${GOOD}`;
  good("12 digits through leading zeros", "Timestamp", t(`00${T}`));
  good("one digit", "Timestamp", t("7"), 7);
  good("zero", "Timestamp", t("0"), 0);
  good("12 zeros", "Timestamp", t("000000000000"), 0);
  good("the largest: 12 nines", "Timestamp", t("999999999999"), 999999999999);
  bad("13 digits", "Timestamp", t("1000000000000"), 1000000000000);
  bad("13 digits through leading zeros", "Timestamp", t(`000${T}`));
  bad("milliseconds", "Timestamp", t(`${T}000`));
  bad("20 digits: more than 64 bits hold", "Timestamp", t("18446744073709551616"));
  bad("no digits", "Timestamp", t(""));
  bad("a plus sign", "Timestamp", t(`+${T}`));
  bad("a minus sign", "Timestamp", t(`-${T}`));
  bad("minus zero", "Timestamp", t("-0"), 0);
  bad("hexadecimal", "Timestamp", t(`0x${T.toString(16)}`));
  bad("an underscore between digits, which Python's int() accepts", "Timestamp", t("1711_612_800"));
  bad("a space inside", "Timestamp", t("1711612 800"));
  bad("a space after the equals sign", "Timestamp", t(` ${T}`));
  bad("a fraction", "Timestamp", t(`${T}.0`));
  bad("an exponent", "Timestamp", t("1711612800e0"));
  bad("a word that is not a number: comparisons with NaN are false", "Timestamp", t("NaN"));
  bad("Infinity", "Timestamp", t("Infinity"));
  bad("a date", "Timestamp", t("2024-03-28T08:00:00Z"));
  bad("quotes around the digits", "Timestamp", t(`"${T}"`));
  bad("full-width digits, which Python's int() accepts", ["Timestamp", "Characters"],
    t("\uff11\uff17\uff11\uff11\uff16\uff11\uff12\uff18\uff10\uff10"));
  bad("Arabic-Indic digits", ["Timestamp", "Characters"], t("\u0661\u0667\u0661\u0661\u0666\u0661\u0662\u0668\u0660\u0660"));
  bad("no t", "Timestamp", `v1=${GOOD}`);
  bad("t twice, equal", "Timestamp", `t=${T},t=${T},v1=${GOOD}`);
  bad("t twice, different", "Timestamp", `t=1,t=${T},v1=${GOOD}`);
  bad("t twice, the second after the signature", "Timestamp", `t=${T},v1=${GOOD},t=${T}`);
  bad("t twice, the second one malformed", "Timestamp", `t=${T},v1=${GOOD},t=x`);
  bad("T is another key", ["Timestamp", "Elements"], `T=${T},v1=${GOOD}`);
  bad("a space before the equals sign makes another key of t", ["Timestamp", "Elements"], `t =${T},v1=${GOOD}`);
  bad("ts is another key", ["Timestamp", "Elements"], `ts=${T},v1=${GOOD}`);

  const v1 = (...values) => [`t=${T}`, ...values.map((value) => `v1=${value}`)].join(",");
  good("upper-case hex", "Signature", v1(GOOD.toUpperCase()));
  good("mixed-case hex", "Signature", v1(GOOD.slice(0, 32).toUpperCase() + GOOD.slice(32)));
  good("the right one twice", "Signature", v1(GOOD, GOOD));
  good("a wrong one before the right one", "Signature", v1(WRONG, GOOD));
  good("a wrong one after the right one", "Signature", v1(GOOD, WRONG));
  good("16 signatures, the last one right", "Signature", v1(...repeat(WRONG, 15), GOOD));
  good("16 signatures, the first one right", "Signature", v1(GOOD, ...repeat(WRONG, 15)));
  bad("17 signatures, the last one right", "Signature", v1(...repeat(WRONG, 16), GOOD));
  bad("17 signatures, the first one right", "Signature", v1(GOOD, ...repeat(WRONG, 16)));
  bad("no v1", "Signature", `t=${T}`);
  bad("an empty v1", "Signature", v1(""));
  bad("63 hex digits", "Signature", v1(GOOD.slice(0, 63)));
  bad("65 hex digits", "Signature", v1(`${GOOD}0`));
  bad("62 hex digits: whole bytes, one too few", "Signature", v1(GOOD.slice(0, 62)));
  bad("66 hex digits: whole bytes, one too many", "Signature", v1(`${GOOD}00`));
  bad("a letter after f", "Signature", v1(`g${GOOD.slice(1)}`));
  bad("a letter after f in the last place", "Signature", v1(`${GOOD.slice(0, 63)}g`));
  bad("0x before the digits", "Signature", v1(`0x${GOOD.slice(2)}`));
  bad("base64 instead of hex", "Signature", v1(Buffer.from(GOOD, "hex").toString("base64")));
  bad("the algorithm's name before the digits", "Signature", v1(`sha256=${GOOD}`));
  bad("a space inside", "Signature", v1(`${GOOD.slice(0, 32)} ${GOOD.slice(33)}`));
  bad("a space after the equals sign", ["Signature", "Elements"], v1(` ${GOOD}`));
  bad("a malformed one after the right one", "Signature", v1(GOOD, GOOD.slice(0, 63)));
  bad("a malformed one before the right one", "Signature", v1("x", GOOD));
  bad("an empty one after the right one", "Signature", v1(GOOD, ""));
  bad("V1 is another key", ["Signature", "Elements"], `t=${T},V1=${GOOD}`);
  bad("a space before the equals sign makes another key of v1", ["Signature", "Elements"], `t=${T},v1 =${GOOD}`);
  bad("only v0 and v2", ["Signature", "Elements"], `t=${T},v0=${GOOD},v2=${GOOD}`);
  bad("no keys: the bare signature", ["Signature", "Elements"], GOOD);

  good("the signature before the timestamp", "Elements", `v1=${GOOD},t=${T}`);
  good("a space after the comma", "Elements", `t=${T}, v1=${GOOD}`);
  good("spaces around every element", "Elements", `  t=${T}  ,  v1=${GOOD}  `);
  good("tabs around every element", "Elements", `\tt=${T}\t,\tv1=${GOOD}\t`);
  good("spaces and tabs mixed", "Elements", ` \tt=${T}\t ,\t v1=${GOOD} \t`);
  good("a later scheme beside v1 is ignored", "Elements", `t=${T},v1=${GOOD},v2=${WRONG}`);
  good("an unknown key first is ignored", "Elements", `nonce=abc,t=${T},v1=${GOOD}`);
  good("the same unknown key twice is ignored", "Elements", `x=1,t=${T},x=2,v1=${GOOD}`);
  good("an unknown key without a value is ignored", "Elements", `t=${T},v1=${GOOD},x=`);
  good("an unknown key whose value holds an equals sign is ignored", "Elements", `t=${T},v1=${GOOD},x=a=b==`);
  good("an unknown key with a space in it is ignored", "Elements", `t=${T},v1=${GOOD},a b=c d`);
  good("v1 with a space is another key and is ignored beside v1", "Elements", `t=${T},v1=${GOOD},v1 =x`);
  good("T and V1 beside t and v1 are ignored", "Elements", `T=x,t=${T},V1=x,v1=${GOOD}`);
  good("keys of punctuation are ignored", "Elements", `t=${T},v1=${GOOD},!"#$%&'()*+-./:;<>?@[]^_{|}~=~`);
  good("__proto__ as a key is ignored", "Elements", `__proto__=1,t=${T},v1=${GOOD},constructor=2`);
  bad("an empty key", "Elements", `t=${T},v1=${GOOD},=x`);
  bad("an empty key after a space", "Elements", `t=${T},v1=${GOOD}, =x`);
  bad("an equals sign alone", "Elements", `t=${T},v1=${GOOD},=`);
  bad("an element without an equals sign", "Elements", `t=${T},v1=${GOOD},x`);
  bad("an empty element between two", "Elements", `t=${T},,v1=${GOOD}`);
  bad("an element of spaces only", "Elements", `t=${T}, ,v1=${GOOD}`);
  bad("a comma at the end", "Elements", `t=${T},v1=${GOOD},`);
  bad("a comma at the start", "Elements", `,t=${T},v1=${GOOD}`);
  bad("a comma alone", "Elements", ",");
  bad("semicolons instead of commas", "Elements", `t=${T};v1=${GOOD}`);
  bad("spaces instead of commas", "Elements", `t=${T} v1=${GOOD}`);
  bad("colons instead of equals signs", "Elements", `t:${T},v1:${GOOD}`);
  bad("quotes around the whole header", "Elements", `"t=${T},v1=${GOOD}"`);
  bad("the header's name in front", "Elements", `X-Clarife-Signature: t=${T},v1=${GOOD}`);
  bad("the scheme of Standard Webhooks", "Elements", `v1,${Buffer.from(GOOD, "hex").toString("base64")}`);

  const both = `${header(BODY)}, ${header(BODY)}`;
  bad("two equal headers joined by a comma and a space", "Joined", both);
  bad("two equal headers joined by a comma", "Joined", both.replace(", ", ","));
  bad("a forged header joined before the right one", "Joined", `t=${T},v1=${WRONG}, ${header(BODY)}`);
  good("one header sent in two parts and joined", "Joined", `t=${T}, v1=${GOOD}`);

  characters(good, bad);

  const filler = (length) => `${header(BODY)},x=`.padEnd(length, "a");
  good("exactly 4,096 bytes", "Length", filler(4096));
  bad("4,097 bytes", "Length", filler(4097));
  good("exactly 4,096 bytes, most of them spaces", "Length", header(BODY).padEnd(4096, " "));
  bad("4,097 bytes, most of them spaces", "Length", header(BODY).padEnd(4097, " "));
  bad("100,000 bytes", "Length", filler(100000));
  bad("5,000 spaces before a good header: a truncated header must not count as blank", "Length", " ".repeat(5000) + header(BODY));
  bad("a good header before 5,000 spaces", "Length", header(BODY) + " ".repeat(5000));
  bad("4,096 characters that are 4,097 bytes", ["Length", "Characters"], `${filler(4095)}\u00e9`);
}

function characters(good, bad) {
  good("the first visible character, !, in an ignored value", "Characters", `${header(BODY)},x=!`);
  good("the last visible character, ~, in an ignored value", "Characters", `${header(BODY)},x=~`);
  for (const [name, character] of [
    ["NUL", "\u0000"], ["U+0001", "\u0001"], ["a line feed", "\n"], ["a vertical tab", "\u000b"], ["a form feed", "\f"],
    ["a carriage return", "\r"], ["U+001F", "\u001f"], ["DEL", "\u007f"], ["U+0080", "\u0080"], ["a no-break space", "\u00a0"],
    ["\u00e9", "\u00e9"], ["U+00FF", "\u00ff"], ["\u017c", "\u017c"], ["a line separator", "\u2028"], ["a byte order mark", "\ufeff"],
    ["an emoji", "\u{1f511}"],
  ]) {
    bad(`${name} in an ignored value`, "Characters", `${header(BODY)},x=a${character}b`);
  }
  bad("a line feed at the end", "Characters", `${header(BODY)}\n`);
  bad("a carriage return and a line feed at the end", "Characters", `${header(BODY)}\r\n`);
  bad("NUL at the end: a C string would end there", "Characters", `${header(BODY)}\u0000`);
  bad("NUL and more text at the end", "Characters", `${header(BODY)}\u0000,t=1`);
  bad("a byte order mark at the start", "Characters", `\ufeff${header(BODY)}`);
  bad("a no-break space after the comma", "Characters", `t=${T},\u00a0v1=${GOOD}`);
  bad("a line folded into two", "Characters", `t=${T},\r\n v1=${GOOD}`);

  // Adds U+0100 to one character, which keeps its low byte.
  const wide = (character) => String.fromCharCode(character.charCodeAt(0) + 0x100);
  bad("t from the next block of 256", "Narrowing", `${wide("t")}=${T},v1=${GOOD}`);
  bad("a digit of t from the next block of 256", "Narrowing", `t=17116128${wide("0")}0,v1=${GOOD}`);
  bad("a hex digit of v1 from the next block of 256", "Narrowing", `t=${T},v1=${wide(GOOD[0])}${GOOD.slice(1)}`);
  bad("the comma from the next block of 256", "Narrowing", `t=${T}${wide(",")}v1=${GOOD}`);
  bad("the equals sign from the next block of 256", "Narrowing", `t${wide("=")}${T},v1=${GOOD}`);
}
