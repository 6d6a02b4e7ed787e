// The Checkout form with a script: it is sent once at a time, and what is wrong is said where it is wrong.
// Without this file the form still works, a page load at a time.
"use strict";

const form = document.getElementById("checkout");

function say(field, message) {
  const place = document.getElementById(field ? `${field}-error` : "alert");
  place.textContent = message || "";
  const input = field && document.getElementById(field);
  if (!input) return;
  if (message) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function clear() {
  say("", "");
  for (const input of form.querySelectorAll(".field input")) say(input.name, "");
}

function show(errors) {
  for (const [field, message] of Object.entries(errors)) say(field, message);
  const first = form.querySelector('[aria-invalid="true"]') || document.getElementById("alert");
  first.focus();
}

async function send() {
  const answer = await fetch(form.action, {
    method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)),
  });
  return answer.json();
}

function busy(button, yes) {
  if (yes) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}

async function submit(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.hasAttribute("aria-disabled")) return;
  busy(button, true);
  clear();
  try {
    const { redirect, errors } = await send();
    if (redirect) { location.assign(redirect); return; }
    show(errors);
  } catch {
    // Pressing again is safe: a checkout that has been paid only leads on.
    show({ "": "We could not reach the payment service. Please try again." });
  }
  busy(button, false);
}

if (form) {
  const { number, expiry, cvc } = form.elements;
  formatWhileTyping({ number, expiry, cvc });
  for (const input of form.querySelectorAll(".field input")) {
    input.addEventListener("input", () => say(input.name, ""));
  }
  form.addEventListener("submit", submit);
  // Back from the bank or the next page, the browser may show the form as it was left: sent.
  addEventListener("pageshow", () => busy(form.querySelector("button"), false));
}
