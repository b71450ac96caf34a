// The signature header among a request's headers, in every container of a host language.
import { BODY, EVENT, SECRET, T, header, mac } from "./common.mjs";
import { VectorFile } from "./file.mjs";

export function headers() {
  const file = new VectorFile(
    "headers",
    [
      "A request's headers as a list of names and values, in order. Each runner puts them into all containers that its",
      "language has. A container with one value for a name gets several values joined by a comma.",
    ],
    {
      Found: "The header occurs once.",
      Case: "Header names are case-insensitive.",
      Missing: "The header is absent or blank.",
      NearMiss: "Names that are similar to the header's.",
      Several: "The header occurs more than once: its values count as one value, joined by commas.",
      Characters: "A value that HTTP allows, but not this header.",
    },
  );
  file.group({ webhook: { secrets: [SECRET] } });
  const good = (comment, flags, ...pairs) => file.valid(comment, flags, { body: BODY, headers: pairs, now: T }, EVENT);
  const bad = (comment, flags, error, ...pairs) => file.invalid(comment, flags, { body: BODY, headers: pairs, now: T }, error);
  const missing = (comment, flags, ...pairs) => bad(comment, flags, "missing_signature", ...pairs);

  const NAME = "X-Clarife-Signature";
  const GOOD = header(BODY);
  const type = ["Content-Type", "application/json"];
  const host = ["Host", "hooks.example.com"];

  good("the header alone", "Found", [NAME, GOOD]);
  good("first among others", "Found", [NAME, GOOD], type, host);
  good("last among others", "Found", host, type, ["Content-Length", "97"], [NAME, GOOD]);
  good("beside the headers of Standard Webhooks", "Found", ["webhook-id", "evt_1"], ["webhook-signature", "v1,AAAA"], [NAME, GOOD]);
  good("spaces around the value", "Found", [NAME, `  ${GOOD}  `]);
  good("spaces and tabs around the elements", "Found", [NAME, GOOD.replace(",", " \t, \t")]);
  good("lower case", "Case", [NAME.toLowerCase(), GOOD]);
  good("upper case", "Case", [NAME.toUpperCase(), GOOD]);
  good("mixed case", "Case", ["x-cLARIFE-sIGNATURE", GOOD]);
  missing("no headers at all", "Missing");
  missing("other headers only", "Missing", type, host);
  missing("an empty value", "Missing", [NAME, ""]);
  missing("a blank value", "Missing", [NAME, "  "]);
  missing("a tab", "Missing", type, [NAME, "\t"]);
  for (const name of [
    "Clarife-Signature", "X-Clarife-Signatur", "X-Clarife-Signatures", "X-Clarife-Signature-V1", "X-XClarife-Signature",
    "Signature", "Stripe-Signature", "webhook-signature", "Authorization",
  ]) {
    missing(`the value under ${name}`, "NearMiss", type, [name, GOOD]);
  }
  good("a wrong value under a similar name", "NearMiss", ["X-Clarife-Signature-Old", "x"], [NAME, GOOD], ["X-Clarife", "x"]);
  bad("a malformed value", "Found", "malformed_signature", [NAME, "v1"]);
  bad("the value of another scheme", "Found", "malformed_signature", [NAME, "sha256=abcdef"]);
  bad("a wrong signature", "Found", "signature_mismatch", [NAME, `t=${T},v1=${"0".repeat(64)}`]);

  bad("the right value twice", "Several", "malformed_signature", [NAME, GOOD], [NAME, GOOD]);
  bad("a forged value first", "Several", "malformed_signature", [NAME, `t=${T},v1=${"0".repeat(64)}`], [NAME, GOOD]);
  bad("a forged value last, other headers between", "Several", "malformed_signature", [NAME, GOOD], type, [NAME, "x"]);
  bad("twice under names of different case", ["Several", "Case"], "malformed_signature", [NAME, GOOD], [NAME.toLowerCase(), GOOD]);
  bad("an empty value beside the right one", "Several", "malformed_signature", [NAME, ""], [NAME, GOOD]);
  bad("an empty value after the right one", "Several", "malformed_signature", [NAME, GOOD], [NAME, ""]);
  bad("two empty values", "Several", "malformed_signature", [NAME, ""], [NAME, ""]);
  good("the elements in two headers", "Several", [NAME, `t=${T}`], [NAME, `v1=${mac(BODY)}`]);
  good("the elements in two headers under names of different case", ["Several", "Case"],
    [NAME.toLowerCase(), `v1=${mac(BODY)}`], host, [NAME, `t=${T}`]);
  bad("a letter in Latin-1", "Characters", "malformed_signature", [NAME, `${GOOD},x=\u00e9`]);
  bad("a no-break space around the value", "Characters", "malformed_signature", [NAME, `\u00a0${GOOD}`]);
  return file;
}
