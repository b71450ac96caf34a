// Deliveries that several checks reject: the first check in the protocol's table decides.
import { BODY, SECRET, T, envelope, header, signed, text } from "./common.mjs";

export function order(file) {
  file.group({ webhook: { secrets: [SECRET], maxEventAge: 900 } });
  const bad = (comment, error, body, signature, now = T) =>
    file.invalid(comment, "Order", { body, signature, now }, error);
  const junk = text("not json");
  const wrong = `t=${T},v1=${"0".repeat(64)}`;

  bad("no header, and the body is not JSON", "missing_signature", junk, null);
  bad("a blank header, and the body is empty", "missing_signature", text(""), " ");
  bad("a malformed header, and the body is not JSON", "malformed_signature", junk, "v1");
  bad("a malformed signature, and a t that is too old", "malformed_signature", BODY, `t=1,v1=${"0".repeat(63)}`);
  bad("a malformed element after a t that is in the future", "malformed_signature", BODY, `${header(BODY, T + 9999)},x`);
  bad("too old, and the signature is wrong", "timestamp_too_old", BODY, wrong, T + 301);
  bad("in the future, and the signature is wrong", "timestamp_in_future", BODY, wrong, T - 301);
  bad("too old, and the body is not JSON", "timestamp_too_old", junk, header(junk), T + 301);
  bad("too old, and the event is too old as well", "timestamp_too_old", BODY, header(BODY), T + 901);
  bad("the signature is wrong, and the body is not JSON", "signature_mismatch", junk, wrong);
  bad("the signature is wrong, and the body is empty", "signature_mismatch", text(""), wrong);
  bad("the signature is wrong, and the body is not UTF-8", "signature_mismatch", { hex: "ff" }, wrong);
  bad("the signature is wrong, and the event is too old", "signature_mismatch", BODY, `t=${T + 901},v1=${"0".repeat(64)}`, T + 901);
  bad("correctly signed, and the body is not JSON", "malformed_payload", junk, header(junk));
  const oldAndWrong = text(envelope({ data: "[]" }));
  file.invalid("correctly signed, data is not an object and the event is too old", "Order", signed(oldAndWrong, T + 901), "malformed_payload");
  file.invalid("correctly signed, only the event is too old", "Order", signed(BODY, T + 901), "event_too_old");
}
