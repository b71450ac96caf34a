// The verification in clarife's documentation for Node, as users have copied it. It takes the *parsed* body and signs
// its `JSON.stringify`. It must accept every body of the sender (docs/protocol.md#section-4).
const crypto = require("node:crypto");

function verifyWebhookSignature(payload, signature, secret) {
  const parts = signature.split(",");
  const timestamp = parts.find((part) => part.startsWith("t=")).slice(2);
  const given = parts.find((part) => part.startsWith("v1=")).slice(3);
  if (Math.floor(Date.now() / 1000) - Number(timestamp) > 300) return false;
  const expected = crypto.createHmac("sha256", secret).update(JSON.stringify(payload)).digest("hex");
  return crypto.timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

module.exports = verifyWebhookSignature;

// As a program, it reads JSON objects {"secret", "signature", "body"} from standard input, one per line. It prints
// rejected ones, and the counts.
if (require.main === module) {
  const lines = require("node:fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
  const rejected = lines.filter((line) => {
    const { secret, signature, body } = JSON.parse(line);
    return verifyWebhookSignature(JSON.parse(body), signature, secret) !== true;
  });
  for (const line of rejected.slice(0, 5)) console.log(line);
  console.log(`${lines.length} verified, ${rejected.length} refused`);
}
