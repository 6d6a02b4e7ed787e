// Guesses the browser's time zone on the first visit. Where nothing can be lost it is set at once, else it is offered.
(() => {
  const offer = document.getElementById("zone-offer");
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;

  for (const select of document.querySelectorAll('select[data-guess-zone="yes"]')) {
    if ([...select.options].some((option) => option.value === guess)) select.value = guess;
  }

  const asked = () => { try { return localStorage.getItem("zone-asked"); } catch { return guess; } };
  const remember = () => { try { localStorage.setItem("zone-asked", guess); } catch { /* a private window */ } };

  if (!offer || !guess || guess === offer.dataset.current || asked() === guess) return;

  offer.elements.zone.value = guess;
  offer.addEventListener("submit", remember);
  const typing = document.querySelector('main form[method="post"]');
  if (!("known" in offer.dataset) && !typing) { offer.requestSubmit(); return; }

  offer.querySelector("strong").textContent = guess;
  offer.querySelector('[type="button"]').addEventListener("click", () => { remember(); offer.hidden = true; });
  offer.hidden = false;
})();
