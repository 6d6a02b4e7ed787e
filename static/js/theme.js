// Light or dark: as the system, until a person chooses. The choice is remembered by this browser only.
// It runs before the page is drawn, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const words = { system: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
  const after = { system: "light", light: "dark", dark: "system" };

  const remember = (choice) => { try { localStorage.setItem("theme", choice); } catch { /* a private window */ } };
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };

  let choice = remembered() in words ? remembered() : "system";

  function show() {
    const dark = choice === "dark" || (choice === "system" && system.matches);
    root.dataset.bsTheme = dark ? "dark" : "light";
    const label = document.querySelector("#theme span");
    if (label) label.textContent = words[choice];
  }

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    button.hidden = false;
    button.addEventListener("click", () => { choice = after[choice]; remember(choice); show(); });
    show();
  });
})();
