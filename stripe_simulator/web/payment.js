// The card form, in a frame of its own: what is typed here never reaches the merchant's page.
// It talks only to the window that embeds it, at the origin that window named.
"use strict";

const merchant = new URLSearchParams(location.hash.slice(1)).get("origin");
const fields = Object.fromEntries(["number", "expiry", "cvc"].map((id) => [id, document.getElementById(id)]));
const fieldOfParam = { number: "number", exp_month: "expiry", exp_year: "expiry", cvc: "cvc" };

const variables = {
  colorPrimary: ["--color-primary", "color"],
  colorBackground: ["--color-background", "color"],
  colorText: ["--color-text", "color"],
  colorDanger: ["--color-danger", "color"],
  fontFamily: ["--font-family", "font-family"],
  fontSizeBase: ["--font-size", "font-size"],
  borderRadius: ["--radius", "border-radius"],
  spacingUnit: ["--space", "width"],
};

function tell(message) {
  parent.postMessage({ from: "stripe-simulator", ...message }, merchant);
}

function digits(field) {
  return fields[field].value.replace(/\D/g, "");
}

function brandIsAmex() {
  return /^3[47]/.test(digits("number"));
}

// --- checking -------------------------------------------------------------------------------------------

function luhn(number) {
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (1 + (index % 2));
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

const checks = {
  number() {
    const number = digits("number");
    if (number.length < (brandIsAmex() ? 15 : 14)) return ["incomplete_number", "Your card number is incomplete."];
    return luhn(number) ? null : ["invalid_number", "Your card number is invalid."];
  },
  expiry() {
    const bare = digits("expiry");
    if (bare.length < 4) return ["incomplete_expiry", "Your card's expiration date is incomplete."];
    const month = Number(bare.slice(0, 2));
    return month >= 1 && month <= 12 ? null : ["invalid_expiry_month", "Your card's expiration month is invalid."];
  },
  cvc() {
    if (digits("cvc").length === (brandIsAmex() ? 4 : 3)) return null;
    return ["incomplete_cvc", "Your card's security code is incomplete."];
  },
};

function show(field, message) {
  document.getElementById(field + "-error").textContent = message || "";
  if (message) fields[field].setAttribute("aria-invalid", "true");
  else fields[field].removeAttribute("aria-invalid");
}

// The first thing wrong, as an error for the merchant; every wrong field says so itself.
function validate() {
  let first = null;
  for (const [field, check] of Object.entries(checks)) {
    const wrong = check();
    show(field, wrong && wrong[1]);
    if (wrong && !first) {
      first = { type: "validation_error", code: wrong[0], message: wrong[1] };
      fields[field].focus();
    }
  }
  return first;
}

function isComplete() {
  return Object.values(checks).every((check) => check() === null);
}

function tellChange() {
  tell({ event: "change", payload: {
    elementType: "payment", empty: !Object.values(fields).some((input) => input.value),
    complete: isComplete(), collapsed: false, value: { type: "card" },
  } });
}

// --- calling the API ------------------------------------------------------------------------------------

function pairs(value, prefix, into) {
  for (const [name, item] of Object.entries(value)) {
    const key = prefix ? `${prefix}[${name}]` : name;
    if (item !== null && typeof item === "object") pairs(item, key, into);
    else if (item !== undefined && item !== null) into.append(key, String(item));
  }
  return into;
}

async function call(key, method, path, params) {
  const body = pairs(params, "", new URLSearchParams());
  const url = method === "GET" ? `${path}?${body}` : path;
  try {
    const answer = await fetch(url, {
      method, headers: { Authorization: `Bearer ${key}` }, body: method === "GET" ? undefined : body,
    });
    return await answer.json();
  } catch {
    return { error: { type: "api_connection_error", message: "We could not reach the payment service. Please try again." } };
  }
}

function card() {
  const bare = digits("expiry");
  return { number: digits("number"), exp_month: bare.slice(0, 2), exp_year: bare.slice(2), cvc: digits("cvc") };
}

async function confirm({ key, path, clientSecret, params }) {
  const wrong = validate();
  if (wrong) return { error: wrong };
  const given = params.payment_method_data || {};
  const answer = await call(key, "POST", `${path}/confirm`, {
    ...params, client_secret: clientSecret, use_stripe_sdk: true,
    payment_method_data: { ...given, type: "card", card: card() },
  });
  const field = answer.error && fieldOfParam[answer.error.param];
  if (field) show(field, answer.error.message);
  return answer;
}

// --- the merchant's page --------------------------------------------------------------------------------

function dress({ theme, variables: chosen } = {}) {
  const root = document.documentElement;
  root.dataset.theme = theme === "night" ? "night" : "stripe";
  for (const [name, [property, kind]] of Object.entries(variables)) {
    const value = chosen && chosen[name];
    if (typeof value === "string" && CSS.supports(kind, value)) root.style.setProperty(property, value);
    else root.style.removeProperty(property);
  }
}

const actions = {
  async init({ key, path, clientSecret, appearance }) {
    dress(appearance);
    return clientSecret ? call(key, "GET", path, { client_secret: clientSecret }) : {};
  },
  async update({ appearance }) { dress(appearance); return {}; },
  async validate() { const error = validate(); return error ? { error } : {}; },
  confirm,
  async focus() { fields.number.focus(); return {}; },
  async clear() {
    for (const [field, input] of Object.entries(fields)) { input.value = ""; show(field, ""); }
    tellChange();
    return {};
  },
};

addEventListener("message", async ({ origin, source, data }) => {
  if (origin !== merchant || source !== parent || !data || data.to !== "stripe-simulator") return;
  const action = Object.hasOwn(actions, data.action) ? actions[data.action] : null;
  if (action) tell({ reply: data.id, result: await action(data.payload || {}) });
});

formatWhileTyping(fields);
for (const [field, input] of Object.entries(fields)) {
  input.addEventListener("input", () => { show(field, ""); tellChange(); });
  input.addEventListener("blur", () => { if (input.value) { const wrong = checks[field](); show(field, wrong && wrong[1]); } });
}
document.getElementById("card").addEventListener("submit", (event) => event.preventDefault());

new ResizeObserver(() => {
  tell({ event: "resize", payload: { height: Math.ceil(document.querySelector("main").getBoundingClientRect().height) } });
}).observe(document.querySelector("main"));
tell({ event: "hello" });
