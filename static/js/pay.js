// The card form. Card data goes from this page straight to Stripe; we only learn whether the price is reserved.
(() => {
  const form = document.getElementById("payment");
  const button = form.querySelector("button[type=submit]");
  const kept = [...form.querySelectorAll("[data-card]")];
  const keep = form.querySelector("[data-keep]");
  const label = button.querySelector("[data-label]");
  const problem = document.getElementById("payment-problem");
  const { publishableKey, clientSecret, saves, returnUrl } = form.dataset;
  const offer = label.textContent;
  let over = false;

  if (typeof Stripe === "undefined") {
    say("The card form could not be loaded from Stripe. Check your connection or your content blocker, then load this page again.");
    return;
  }

  const stripe = Stripe(publishableKey);
  const elements = stripe.elements({ clientSecret, appearance: appearance() });
  const card = elements.create("payment");
  card.on?.("ready", () => { button.disabled = over; });
  for (const each of kept) {
    each.disabled = false;
    each.addEventListener("click", () => attempt(() => confirm({ clientSecret }, { payment_method: each.dataset.card })));
  }
  card.on?.("loaderror", (event) => say(event?.error?.message || "Stripe did not show its card form. Load this page again."));
  card.mount("#payment-element");
  if (!card.on) button.disabled = over;

  // The slot goes to others now; a card that is typed in later would only be reserved to be released again.
  document.addEventListener("time-is-up", () => {
    over = true;
    busy(false);
    label.textContent = "The time is up";
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled) attempt(reserve);
  });

  async function attempt(way) {
    busy(true);
    problem.hidden = true;
    try {
      await way();
    } catch {
      say("Stripe did not answer. Try again in a moment.");
      busy(false);
    }
  }

  async function reserve() {
    const typed = await elements.submit();
    if (typed?.error) return refused(typed.error);
    return confirm({ elements }, keep?.checked ? { setup_future_usage: "on_session" } : {});
  }

  async function confirm(by, params) {
    const ask = saves ? stripe.confirmSetup : stripe.confirmPayment;
    const { error } = await ask.call(stripe, {
      ...by, confirmParams: { return_url: returnUrl, ...params }, redirect: "if_required",
    });
    if (error) return refused(error);
    label.textContent = saves ? "Saved. One moment…" : "Reserved. One moment…";
    document.getElementById("payment-check").requestSubmit();
  }

  function refused(error) {
    say(error.message || "The card was not accepted. Try another one.");
    busy(false);
  }

  function busy(yes) {
    for (const each of [button, ...kept]) each.disabled = yes || over;
    button.setAttribute("aria-busy", yes);
    label.textContent = yes ? "Asking your bank…" : offer;
  }

  function say(words) {
    problem.querySelector("[data-problem]").textContent = words;
    problem.hidden = false;
    problem.focus();
  }

  // Stripe draws in a frame of its own, which cannot see our stylesheet: hand it our tokens as plain colours.
  function appearance() {
    const probe = document.body.appendChild(document.createElement("i"));
    const colour = (token) => {
      probe.style.color = `var(${token})`;
      return getComputedStyle(probe).color;
    };
    const variables = {
      colorPrimary: colour("--accent"), colorBackground: colour("--surface"), colorText: colour("--ink"),
      colorTextSecondary: colour("--ink-2"), colorDanger: colour("--bad"), fontFamily: getComputedStyle(probe).fontFamily,
      fontSizeBase: "17px", borderRadius: "8px", spacingUnit: "4px",
    };
    probe.remove();
    return { theme: document.documentElement.dataset.bsTheme === "dark" ? "night" : "stripe", variables };
  }
})();
