// Verification: header, time, signature, event age and the order of the checks (docs/protocol.md#section-2).
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
      "A valid case has the expected event. Its `data` is the JSON text in the body.",
    ],
    {
      Valid: "An ordinary delivery that must be accepted.",
      Missing: "No signature header, or a blank one.",
      Timestamp: "The form of `t`: 1 to 12 ASCII digits, exactly once.",
      Signature: "The form of `v1`: 64 hex digits of either case, 1 to 16 times.",
      Elements: "Elements, keys, separators and the spaces and tabs around them.",
      Characters: "The header contains only visible ASCII, spaces and tabs.",
      Narrowing: "Characters whose code, truncated to one byte, is a character of a valid header. A host that truncates without a check accepts them.",
      Length: "The header's limit of 4,096 bytes.",
      Joined: "Two headers that a library joined into one.",
      Tolerance: "The bounds of the tolerance, both ways.",
      Arithmetic: "Times far apart: arithmetic must not wrap, panic or lose precision.",
      WrongKey: "Signed with a key other than the secret's text.",
      WrongMessage: "Signed over a message other than the raw body.",
      WrongHash: "The right key and body under another construction.",
      ModifiedTag: "A correct signature with a changed bit.",
      ModifiedBody: "A correct signature and a body that was changed in transit.",
      Rotation: "Several secrets, several signatures.",
      EventAge: "The maximum event age, measured on the signed `created_at`.",
      Order: "Several things are invalid: the first check decides, so that all languages return the same code.",
      Large: "Bodies that do not fit into small buffers.",
    },
  );
  headerGrammar(file);
  times(file);
  signatures(file);
  order(file);
  return file;
}
