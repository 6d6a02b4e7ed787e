// The main lifecycle through the official Node library, pointed at the simulator and otherwise unchanged.
import assert from "node:assert/strict";
import Stripe from "stripe";

const [port, webhookSecret] = process.argv.slice(2);
const stripe = new Stripe("sk_test_node", { host: "127.0.0.1", port, protocol: "http", telemetry: false });
const done = [];

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a refusal");
}

const ann = await stripe.customers.create({ email: "ann@example.com", metadata: { shop: "1" } });
const wish = { amount: 5000, currency: "usd", capture_method: "manual", customer: ann.id };
const card = { payment_method: "pm_card_visa", confirm: true, allowed_payment_method_types: ["card"] };

const hold = await stripe.paymentIntents.create({ ...wish, ...card, expand: ["latest_charge"] });
assert.equal(hold.status, "requires_capture");
assert.equal(hold.latest_charge.captured, false);
done.push("held");

const key = { idempotencyKey: "op_1" };
const paid = await stripe.paymentIntents.capture(hold.id, { amount_to_capture: 2000 }, key);
const again = await stripe.paymentIntents.capture(hold.id, { amount_to_capture: 2000 }, key);
assert.equal(paid.amount_received, 2000);
assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
done.push("captured in part, once");

const refund = await stripe.refunds.create({ payment_intent: hold.id, amount: 500 });
assert.equal(refund.status, "succeeded");
done.push("refunded");

const other = await stripe.paymentIntents.create({ ...wish, ...card });
assert.equal((await stripe.paymentIntents.cancel(other.id)).status, "canceled");
done.push("canceled");

const declined = await refusal(stripe.paymentIntents.create({ ...wish, ...card, payment_method: "pm_card_chargeDeclined" }));
assert.ok(declined instanceof Stripe.errors.StripeCardError);
assert.equal(declined.decline_code, "generic_decline");
const wrong = await refusal(stripe.paymentIntents.capture(hold.id));
assert.equal(wrong.code, "payment_intent_unexpected_state");
assert.equal(wrong.payment_intent.id, hold.id);
done.push("declined and refused");

const asked = await stripe.paymentIntents.create({ ...wish, ...card, payment_method: "pm_card_authenticationRequired" });
assert.equal(asked.status, "requires_action");
done.push("3-D Secure asked for");

const setup = await stripe.setupIntents.create({ ...card, customer: ann.id });
const later = await stripe.paymentIntents.create({ ...wish, ...card, payment_method: setup.payment_method, off_session: true });
assert.equal(later.status, "requires_capture");
done.push("saved card charged later");

const session = await stripe.checkout.sessions.create({
  mode: "payment",
  success_url: "http://localhost/success",
  line_items: [{ quantity: 1, price_data: { currency: "usd", unit_amount: 4000, product_data: { name: "An hour" } } }],
});
assert.match(session.url, /^http:\/\/127\.0\.0\.1/);
done.push("Checkout opened");

const listed = [];
for await (const each of stripe.paymentIntents.list({ limit: 2 })) listed.push(each.id);
assert.equal(new Set(listed).size, 5);
done.push("listed over pages");

const event = (await stripe.events.list({ type: "payment_intent.succeeded" })).data[0];
const payload = JSON.stringify(event);
const header = stripe.webhooks.generateTestHeaderString({ payload, secret: webhookSecret });
assert.equal(stripe.webhooks.constructEvent(payload, header, webhookSecret).id, event.id);
done.push("event read");

process.stdout.write(`${JSON.stringify({ version: Stripe.API_VERSION ?? stripe.getApiField("version"), done })}\n`);
