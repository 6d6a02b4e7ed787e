// The bank's page. On its own it is a plain form; embedded, it tells the merchant's page when it is done
// (nothing else), and takes Escape or the dialog's Cancel for a refusal.
"use strict";

const page = document.querySelector("main");
const merchant = page.dataset.embedded;

if (merchant && page.dataset.answered) {
  parent.postMessage({ from: "stripe-simulator", event: "authenticated" }, merchant);
} else if (merchant) {
  const refuse = () => document.getElementById("fail").click();
  addEventListener("message", ({ origin, source, data }) => {
    if (origin === merchant && source === parent && data && data.action === "cancel") refuse();
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape") refuse(); });
  addEventListener("focus", () => document.getElementById("complete").focus());
}
