// One test in each environment of Jest: deliveries are verified, with the expected engine.
module.exports = function verifies(expectedEngine) {
  test("a delivery is verified once", async () => {
    const { engine, MemoryStore, Webhook } = require("clarife-webhooks");
    const webhook = new Webhook("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==");
    const event = { id: "evt_1", type: "document.deleted", created_at: new Date().toISOString(), data: { id: "ź" } };
    const body = JSON.stringify(event);
    const headers = { "X-Clarife-Signature": webhook.sign(body) };
    const receive = webhook.rawReceiver(() => {}, { dedup: new MemoryStore(), onError() {} });
    expect(engine).toBe(expectedEngine);
    expect(webhook.verify(Buffer.from(body), headers)).toMatchObject(event);
    expect(await receive(body, headers)).toMatchObject({ status: 200, code: "handled" });
    expect(await receive(Buffer.from(body), headers)).toMatchObject({ status: 200, code: "duplicate" });
    expect(await receive(`${body} `, headers)).toMatchObject({ status: 400, code: "signature_mismatch" });
  });
};
