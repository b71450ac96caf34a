// The verification that clarife's webhook page shows for Node, as users have copied it: it is handed the *parsed* body and
// signs `JSON.stringify` of it. Every body that the sender makes must verify here too (protocol, section 4).
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

// Run by itself: one JSON object a line on standard input, {"secret", "signature", "body"}; prints what was refused, and counts.
if (require.main === module) {
  const lines = require("node:fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
  const refused = lines.filter((line) => {
    const { secret, signature, body } = JSON.parse(line);
    return verifyWebhookSignature(JSON.parse(body), signature, secret) !== true;
  });
  for (const line of refused.slice(0, 5)) console.log(line);
  console.log(`${lines.length} verified, ${refused.length} refused`);
}
