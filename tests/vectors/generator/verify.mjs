// Verification: header, time, signature, event age and the order of the checks (protocol, section 2).
import { VectorFile } from "./file.mjs";
import { headerGrammar } from "./verify-header.mjs";
import { order } from "./verify-order.mjs";
import { signatures } from "./verify-signature.mjs";
import { times } from "./verify-time.mjs";

export function verify() {
  const file = new VectorFile(
    "verify",
    [
      "Verifying a body against its signature header at a given moment. `now` is in Unix seconds.",
      "A valid case states what the event reads as; `data` is its JSON text as it stands in the body.",
    ],
    {
      Valid: "An ordinary delivery that must be accepted.",
      Missing: "No signature header, or a blank one.",
      Timestamp: "The form of `t`: 1 to 12 ASCII digits and nothing else, exactly once.",
      Signature: "The form of `v1`: 64 hex digits of either case, 1 to 16 times.",
      Elements: "Elements, keys, separators and the spaces and tabs around them.",
      Characters: "Only visible ASCII, spaces and tabs may stand in the header.",
      Narrowing: "Characters whose code, cut to one byte, is a character of a good header: a host that narrows without a check accepts them.",
      Length: "The header's limit of 4,096 bytes.",
      Joined: "Two headers that a library joined into one.",
      Tolerance: "The bounds of the tolerance, both ways.",
      Arithmetic: "Moments far apart: nothing may wrap, panic or lose precision.",
      WrongKey: "Signed with something else than the secret as it is written.",
      WrongMessage: "Signed over something else than the body as it came.",
      WrongHash: "The right key and body under another construction.",
      ModifiedTag: "A right signature with a bit changed.",
      ModifiedBody: "A right signature and a body changed on the way.",
      Rotation: "Several secrets, several signatures.",
      EventAge: "The maximum event age, measured on the signed `created_at`.",
      Order: "More than one thing is wrong: the first check decides, so that every language gives the same code.",
      Large: "Bodies that do not fit into small buffers.",
    },
  );
  headerGrammar(file);
  times(file);
  signatures(file);
  order(file);
  return file;
}
