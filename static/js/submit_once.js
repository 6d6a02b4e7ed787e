// A second click on a button that changes something does nothing. (The server would do nothing twice either.)
(() => {
  const busy = new Set();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (busy.has(form)) { event.preventDefault(); return; }
    busy.add(form);
    event.submitter?.setAttribute("aria-busy", "true");
  });

  // Coming back with the browser's back button finds the page as it was left.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    busy.clear();
    document.querySelectorAll("form [aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });
})();
