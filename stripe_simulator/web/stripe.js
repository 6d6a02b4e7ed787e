// A small, honest stand-in for Stripe.js: the calls of a Payment Element page, answered by the simulator.
// It styles what it adds only through element.style, so a page's strict style-src stays intact.
// Source of the interface: https://docs.stripe.com/js
(function () {
  "use strict";

  const base = new URL(document.currentScript.src).origin;
  const kinds = {
    pi: { path: "payment_intents", result: "paymentIntent", name: "payment_intent", failure: "last_payment_error" },
    seti: { path: "setup_intents", result: "setupIntent", name: "setup_intent", failure: "last_setup_error" },
  };

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = "IntegrationError";
    }
  }

  function intentOf(clientSecret) {
    const match = /^((pi|seti)_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(clientSecret || "");
    if (!match) throw new IntegrationError("Invalid value for clientSecret: it must look like pi_…_secret_….");
    const kind = kinds[match[2]];
    return { ...kind, id: match[1], clientSecret, url: `/v1/${kind.path}/${match[1]}` };
  }

  function style(element, properties) {
    for (const [name, value] of Object.entries(properties)) element.style[name] = value;
    return element;
  }

  function make(tag, properties, styles) {
    return style(Object.assign(document.createElement(tag), properties), styles || {});
  }

  // A card that is kept already needs no form: what is typed nowhere goes to the API from here.
  async function confirmKept(key, intent, params) {
    const body = new URLSearchParams({ client_secret: intent.clientSecret, use_stripe_sdk: "true", ...params });
    try {
      const headers = { Authorization: `Bearer ${key}` };
      const answer = await fetch(`${base}${intent.url}/confirm`, { method: "POST", headers, body });
      return await answer.json();
    } catch {
      return { error: { type: "api_connection_error", message: "We could not reach the payment service. Please try again." } };
    }
  }

  async function retrieve(key, intent) {
    const query = new URLSearchParams({ client_secret: intent.clientSecret });
    try {
      const answer = await fetch(`${base}${intent.url}?${query}`, { headers: { Authorization: `Bearer ${key}` } });
      return await answer.json();
    } catch {
      return { error: { type: "api_connection_error", message: "We could not reach the payment service. Please try again." } };
    }
  }

  // --- the card form's frame ----------------------------------------------------------------------------

  class Element {
    constructor(group) {
      this._group = group;
      this._listeners = {};
      this._waiting = new Map();
      this._next = 1;
      this._hear = this._hear.bind(this);
    }

    mount(target) {
      const place = typeof target === "string" ? document.querySelector(target) : target;
      if (!place) throw new IntegrationError(`The selector you specified (${target}) applies to no DOM elements.`);
      const origin = encodeURIComponent(location.origin);
      this._frame = make(
        "iframe",
        { src: `${base}/elements/payment#origin=${origin}`, title: "Secure payment input frame", allow: "payment *" },
        { display: "block", width: "100%", height: "160px", border: "0" },
      );
      addEventListener("message", this._hear);
      this._lateness = setTimeout(() => this._fail("The payment form could not be loaded."), 15000);
      place.replaceChildren(this._frame);
    }

    on(event, listener) {
      (this._listeners[event] = this._listeners[event] || []).push(listener);
      return this;
    }

    once(event, listener) {
      const wrapped = (payload) => { this.off(event, wrapped); listener(payload); };
      return this.on(event, wrapped);
    }

    off(event, listener) {
      this._listeners[event] = (this._listeners[event] || []).filter((each) => listener && each !== listener);
      return this;
    }

    update() {}
    focus() { this._ask("focus"); }
    clear() { this._ask("clear"); }
    collapse() {}

    unmount() {
      clearTimeout(this._lateness);
      removeEventListener("message", this._hear);
      if (this._frame) this._frame.remove();
      this._frame = null;
      for (const answer of this._waiting.values()) {
        answer({ error: { type: "validation_error", message: "The payment form was removed." } });
      }
      this._waiting.clear();
    }

    destroy() { this.unmount(); this._group._forget(this); }

    _ask(action, payload) {
      if (!this._frame) throw new IntegrationError("This Element is not mounted.");
      const id = this._next++;
      this._frame.contentWindow.postMessage({ to: "stripe-simulator", id, action, payload: payload || {} }, base);
      return new Promise((resolve) => this._waiting.set(id, resolve));
    }

    _hear({ origin, source, data }) {
      if (!this._frame || origin !== base || source !== this._frame.contentWindow) return;
      if (!data || data.from !== "stripe-simulator") return;
      if (data.reply) {
        const answer = this._waiting.get(data.reply);
        this._waiting.delete(data.reply);
        if (answer) answer(data.result);
      } else if (data.event === "hello") this._greet();
      else if (data.event === "resize") this._frame.style.height = `${Number(data.payload.height)}px`;
      else this._emit(data.event, data.payload);
    }

    async _greet() {
      clearTimeout(this._lateness);
      const { key, clientSecret, appearance } = this._group._settings();
      const path = clientSecret ? intentOf(clientSecret).url : null;
      const loaded = await this._ask("init", { key, path, clientSecret, appearance });
      if (loaded.error) this._fail(loaded.error.message, loaded.error);
      else this._emit("ready", { elementType: "payment" });
    }

    _fail(message, error) {
      this._emit("loaderror", { elementType: "payment", error: error || { type: "api_connection_error", message } });
    }

    _emit(event, payload) {
      for (const listener of [...(this._listeners[event] || [])]) listener(payload);
    }
  }

  class Elements {
    constructor(key, options) {
      this._key = key;
      this._options = { ...options };
      this._element = null;
      if (this._options.clientSecret) intentOf(this._options.clientSecret);
    }

    create(type) {
      if (type !== "payment") throw new IntegrationError(`The simulator has the "payment" Element only, not "${type}".`);
      if (this._element) throw new IntegrationError("Can only create one Element of type payment.");
      this._element = new Element(this);
      return this._element;
    }

    getElement(type) { return type === "payment" ? this._element : null; }

    update(options) {
      Object.assign(this._options, options);
      if (this._element && this._element._frame) this._element._ask("update", { appearance: this._options.appearance });
    }

    async fetchUpdates() { return {}; }

    async submit() {
      if (!this._element) throw new IntegrationError("elements.submit() needs a mounted Payment Element.");
      const answer = await this._element._ask("validate");
      return answer.error ? answer : { selectedPaymentMethod: "card" };
    }

    _settings() {
      return { key: this._key, clientSecret: this._options.clientSecret, appearance: this._options.appearance };
    }

    _forget(element) { if (this._element === element) this._element = null; }
  }

  // --- 3-D Secure ---------------------------------------------------------------------------------------

  function authenticate(page) {
    const url = new URL(page, base);
    if (url.origin !== base) throw new IntegrationError("The bank's page must come from the simulator.");
    url.searchParams.set("embedded", location.origin);
    const dialog = make("dialog", {}, {
      width: "min(26rem, 92vw)", maxWidth: "92vw", padding: "0", border: "0", borderRadius: "8px", background: "#ffffff",
      boxShadow: "0 0 0 200vmax rgba(0, 0, 0, 0.55)",
    });
    dialog.setAttribute("aria-label", "3-D Secure authentication");
    const close = make("button", { type: "button", textContent: "Cancel" }, {
      display: "block", margin: "0 0 0 auto", padding: "10px 16px", border: "0", background: "transparent",
      color: "#1f2328", font: "inherit", cursor: "pointer",
    });
    const frame = make("iframe", { src: url.href, title: "3-D Secure authentication" }, {
      display: "block", width: "100%", height: "300px", border: "0",
    });
    dialog.append(close, frame);
    document.body.append(dialog);
    const focused = document.activeElement;
    dialog.showModal();
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    loaded.then(() => frame.focus());
    return new Promise((resolve) => {
      const cancel = async (event) => {
        event.preventDefault();
        // A bank that does not answer must not hold the page for ever.
        setTimeout(finish, 5000);
        await loaded;
        frame.contentWindow.postMessage({ to: "stripe-simulator", action: "cancel" }, base);
      };
      const finish = () => {
        if (!dialog.isConnected) return;
        removeEventListener("message", hear);
        dialog.close();
        dialog.remove();
        if (focused && focused.focus) focused.focus();
        resolve();
      };
      const hear = ({ origin, source, data }) => {
        if (origin !== base || source !== frame.contentWindow || !data || data.from !== "stripe-simulator") return;
        if (data.event === "authenticated") finish();
      };
      addEventListener("message", hear);
      dialog.addEventListener("cancel", cancel);
      close.addEventListener("click", cancel);
    });
  }

  // --- the Stripe object --------------------------------------------------------------------------------

  function outcome(kind, intent) {
    const failed = intent[kind.failure];
    if (intent.status === "requires_payment_method" && failed) return { error: { ...failed, [kind.name]: intent } };
    return { [kind.result]: intent };
  }

  async function finish(key, kind, answer) {
    if (answer.error) return { error: answer.error };
    const action = answer.status === "requires_action" && answer.next_action;
    if (!action) return outcome(kind, answer);
    if (action.type === "redirect_to_url") {
      location.assign(action.redirect_to_url.url);
      return new Promise(() => {});
    }
    await authenticate(action.use_stripe_sdk.stripe_js);
    const after = await retrieve(key, kind);
    return after.error ? { error: after.error } : outcome(kind, after);
  }

  function goBack(kind, returnUrl) {
    const url = new URL(returnUrl);
    url.searchParams.set(kind.name, kind.id);
    url.searchParams.set(`${kind.name}_client_secret`, kind.clientSecret);
    url.searchParams.set("redirect_status", "succeeded");
    location.assign(url.href);
    return new Promise(() => {});
  }

  async function confirm(key, { elements, clientSecret, confirmParams, redirect }) {
    const params = { ...confirmParams };
    const form = elements && elements._element;
    if (!form && !(clientSecret && params.payment_method)) {
      throw new IntegrationError("Confirming needs `elements` with a mounted Payment Element, or a clientSecret and a payment_method.");
    }
    const kind = intentOf(clientSecret || elements._settings().clientSecret);
    if (redirect !== "if_required" && !params.return_url) {
      throw new IntegrationError("confirmParams.return_url is required unless redirect is \"if_required\".");
    }
    const payload = { key, path: kind.url, clientSecret: kind.clientSecret, params };
    const answer = await (form ? form._ask("confirm", payload) : confirmKept(key, kind, params));
    const result = await finish(key, kind, answer);
    return result.error || redirect === "if_required" ? result : goBack(kind, params.return_url);
  }

  async function look(key, clientSecret) {
    const kind = intentOf(clientSecret);
    const answer = await retrieve(key, kind);
    return answer.error ? answer : { [kind.result]: answer };
  }

  function Stripe(publishableKey) {
    const key = String(publishableKey || "");
    if (!key.startsWith("pk_test_")) {
      throw new IntegrationError("The simulator takes publishable test keys (pk_test_…) only, never live ones.");
    }
    return {
      elements: (options) => new Elements(key, options),
      confirmPayment: (options) => confirm(key, options),
      confirmSetup: (options) => confirm(key, options),
      retrievePaymentIntent: (clientSecret) => look(key, clientSecret),
      retrieveSetupIntent: (clientSecret) => look(key, clientSecret),
      handleNextAction: async ({ clientSecret }) => {
        const kind = intentOf(clientSecret);
        return finish(key, kind, await retrieve(key, kind));
      },
    };
  }

  Stripe.version = "simulator";
  window.Stripe = Stripe;
})();
