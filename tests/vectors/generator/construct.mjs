// The secrets that a webhook accepts (docs/protocol.md#section-2, step 0).
import { SECRET, SECRET_2, SECRET_3, header, text } from "./common.mjs";
import { VectorFile } from "./file.mjs";

const BODY = text("{}");

export function construct() {
  const file = new VectorFile(
    "construct",
    [
      "Creating a webhook from one secret or several. A runner passes a single secret as a string and as a list of one.",
      "In a valid case, `signature` is the webhook's signature of the body {} at the timestamp 1711612800.",
    ],
    {
      Ordinary: "A secret as clarife creates it, or any other valid text.",
      Empty: "No secret, or an empty one: an unset variable must not become a key that can be guessed.",
      Whitespace: "Whitespace around a secret comes from copying or from the end of a file. With it, every delivery would be rejected.",
      Control: "A control character anywhere is a sign of a damaged secret.",
      Invisible: "A format character of Unicode comes from an editor or a chat, and no screen shows it.",
      Quotes: "Quotes come from a settings file or a shell. They are never part of a secret.",
      Mistaken: "A text that is something else than a secret: every delivery would be rejected, without a word at the start.",
      Several: "Every secret of several is checked, not only the first.",
      Options: "Tolerance and maximum event age at their bounds.",
    },
  );
  file.group({ body: BODY, timestamp: 1711612800 });
  const good = (comment, flags, secrets, options = {}) =>
    file.valid(comment, flags, { secrets, ...options }, { signature: header(BODY, 1711612800, ...secrets) });
  const bad = (comment, flags, secrets) => file.invalid(comment, flags, { secrets }, "invalid_secret");

  good("clarife's form: whsec_ and base64", "Ordinary", [SECRET]);
  good("the prefix is not required", "Ordinary", [SECRET.slice(6)]);
  good("one character is enough", "Ordinary", ["x"]);
  good("63 bytes: one below the block of the hash", "Ordinary", ["k".repeat(63)]);
  good("64 bytes: exactly a block of the hash", "Ordinary", ["k".repeat(64)]);
  good("65 bytes: the key is hashed first", "Ordinary", ["k".repeat(65)]);
  good("a long secret is not cut", "Ordinary", ["0123456789".repeat(200)]);
  good("spaces inside belong to the secret", "Ordinary", ["correct horse battery staple"]);
  good("letters outside ASCII count as their UTF-8 bytes", "Ordinary", ["za\u017c\u00f3\u0142\u0107-g\u0119\u015bl\u0105"]);
  good("a character outside the basic plane counts as four bytes", "Ordinary", ["key-\u{1f511}-key"]);
  good("composed and decomposed letters are different secrets and are not normalised", "Ordinary", ["e\u0301"]);
  good("a no-break space inside is not around", "Ordinary", ["a\u00a0b"]);
  good("a quote inside belongs to the secret", "Ordinary", ["it's"]);
  good("a variable's sign inside belongs to the secret", "Ordinary", ["pa$$word", "50%"]);
  good("a word that contains a missing value", "Ordinary", ["undefined-behavior"]);

  bad("the empty secret", "Empty", [""]);
  bad("no secret at all", "Empty", []);
  bad("a single space", ["Empty", "Whitespace"], [" "]);
  bad("a single line feed", ["Empty", "Whitespace", "Control"], ["\n"]);

  bad("leading space", "Whitespace", [` ${SECRET}`]);
  bad("trailing space", "Whitespace", [`${SECRET} `]);
  bad("leading tab", ["Whitespace", "Control"], [`\t${SECRET}`]);
  bad("trailing tab", ["Whitespace", "Control"], [`${SECRET}\t`]);
  bad("trailing line feed, as a file ends", ["Whitespace", "Control"], [`${SECRET}\n`]);
  bad("trailing carriage return and line feed", ["Whitespace", "Control"], [`${SECRET}\r\n`]);
  for (const [name, space] of [
    ["no-break space (U+00A0)", "\u00a0"], ["ogham space mark (U+1680)", "\u1680"], ["en quad (U+2000)", "\u2000"],
    ["thin space (U+2009)", "\u2009"], ["line separator (U+2028)", "\u2028"], ["paragraph separator (U+2029)", "\u2029"],
    ["narrow no-break space (U+202F)", "\u202f"], ["mathematical space (U+205F)", "\u205f"],
    ["ideographic space (U+3000)", "\u3000"],
  ]) {
    bad(`leading ${name}`, "Whitespace", [`${space}${SECRET}`]);
    bad(`trailing ${name}`, "Whitespace", [`${SECRET}${space}`]);
  }

  bad("NUL inside: a C string would end there", "Control", ["whsec_a\u0000b"]);
  bad("trailing NUL", "Control", ["whsec_ab\u0000"]);
  bad("U+0001 inside", "Control", ["whsec_a\u0001b"]);
  bad("tab inside", "Control", ["whsec_a\tb"]);
  bad("line feed inside: two secrets pasted as one", "Control", ["whsec_a\nwhsec_b"]);
  bad("U+001F inside, the last of the first control block", "Control", ["whsec_a\u001fb"]);
  bad("DEL (U+007F) inside", "Control", ["whsec_a\u007fb"]);
  bad("U+0080 inside, the first of the second control block", "Control", ["whsec_a\u0080b"]);
  bad("next line (U+0085) inside", "Control", ["whsec_a\u0085b"]);
  bad("trailing next line (U+0085)", ["Whitespace", "Control"], [`${SECRET}\u0085`]);
  bad("U+009F inside, the last of the second control block", "Control", ["whsec_a\u009fb"]);

  for (const [name, character] of [
    ["soft hyphen (U+00AD)", "\u00ad"], ["zero width space (U+200B)", "\u200b"], ["zero width joiner (U+200D)", "\u200d"],
    ["left-to-right mark (U+200E)", "\u200e"], ["right-to-left override (U+202E)", "\u202e"], ["word joiner (U+2060)", "\u2060"],
  ]) {
    bad(`${name} inside`, "Invisible", [`whsec_a${character}b`]);
    bad(`trailing ${name}`, "Invisible", [`${SECRET}${character}`]);
  }
  bad("leading byte order mark (U+FEFF)", "Invisible", [`\ufeff${SECRET}`]);

  for (const [name, open, close] of [
    ["double quotes", '"', '"'], ["single quotes", "'", "'"], ["backticks", "`", "`"], ["typographic quotes", "\u201c", "\u201d"],
    ["typographic single quotes", "\u2018", "\u2019"], ["guillemets", "\u00ab", "\u00bb"],
  ]) {
    bad(`in ${name}`, "Quotes", [`${open}${SECRET}${close}`]);
  }
  bad("a quote at the start only", "Quotes", [`"${SECRET}`]);
  bad("a quote at the end only", "Quotes", [`${SECRET}'`]);

  for (const text of ["undefined", "null", "None", "nil", "NaN", "[object Object]", "[object Promise]"]) {
    bad(`the text ${text}`, "Mistaken", [text]);
  }
  for (const text of ["$CLARIFE_WEBHOOK_SECRET", "${CLARIFE_WEBHOOK_SECRET}", "%CLARIFE_WEBHOOK_SECRET%", "{{ secrets.clarife }}", "<your secret>"]) {
    bad(`the variable ${text}`, "Mistaken", [text]);
  }
  bad("a signature header", "Mistaken", [`t=1711612800,v1=${"0".repeat(64)}`]);
  bad("a signature of Standard Webhooks", "Mistaken", ["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="]);
  for (const prefix of ["sub", "evt", "dlv", "wsp", "tok"]) {
    bad(`an id: ${prefix}_`, "Mistaken", [`${prefix}_a1b2c3d4`]);
  }
  bad("the placeholder whsec_...", "Mistaken", ["whsec_..."]);
  bad("the placeholder with an ellipsis", "Mistaken", ["whsec_\u2026"]);
  bad("a secret that is not shown", "Mistaken", ["whsec_\u2022\u2022\u2022\u2022"]);

  good("two secrets, newest first", "Several", [SECRET, SECRET_2]);
  good("three secrets", "Several", [SECRET, SECRET_2, SECRET_3]);
  good("the same secret twice", "Several", [SECRET, SECRET]);
  bad("the second of two is empty", ["Several", "Empty"], [SECRET, ""]);
  bad("the first of two is empty", ["Several", "Empty"], ["", SECRET]);
  bad("the second of two has a trailing line feed", ["Several", "Whitespace"], [SECRET, `${SECRET_2}\n`]);
  bad("the last of three has a control character", ["Several", "Control"], [SECRET, SECRET_2, "whsec_\u0000"]);

  good("tolerance 0 is not an absent tolerance", "Options", [SECRET], { tolerance: 0 });
  good("the largest tolerance that every host language represents exactly", "Options", [SECRET], { tolerance: Number.MAX_SAFE_INTEGER });
  good("maximum event age 0", "Options", [SECRET], { maxEventAge: 0 });
  good("both options", "Options", [SECRET], { tolerance: 60, maxEventAge: 900 });
  return file;
}
