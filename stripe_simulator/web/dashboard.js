// Tells when something new happened. Without it the page is complete; nothing is hidden behind it.
"use strict";

const shown = Number(document.body.dataset.pulse);
const news = document.getElementById("news");

async function look() {
  if (document.hidden || !news.hidden) return;
  try {
    const answer = await fetch("/dashboard/pulse");
    if (!answer.ok || (await answer.json()).pulse === shown) return;
  } catch {
    return; // the simulator is away; it may come back
  }
  const busy = document.querySelector("details[open]") || document.activeElement !== document.body || scrollY > 0;
  if (busy) news.hidden = false;
  else location.replace(location.pathname);
}

setInterval(look, 2000);
