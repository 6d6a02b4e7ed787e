// A page about a booking keeps up with it: [data-live] is fetched anew as long as its part says when to look again
// (data-again, in seconds). Nobody looks in a tab that nobody sees, and nothing moves under the hands of whoever types.
(() => {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const news = document.getElementById("live-news");
  const SLOWEST = 120;
  let etag = "", timer = 0, failures = 0, asking = false;

  const pause = () => Number(live.firstElementChild?.dataset.again) || 0;
  const headline = () => live.querySelector(".headline")?.textContent.trim() || "";

  function plan() {
    clearTimeout(timer);
    if (!pause() || document.hidden) return;
    timer = setTimeout(look, Math.min(pause() * 2 ** failures, SLOWEST) * 1000);
  }

  async function look() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(live.dataset.live, {
        headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", redirect: "manual",
      });
      const troubled = answer.status >= 500 || answer.status === 429;
      if (answer.status === 200) show(await answer.text(), answer.headers.get("ETag") || "");
      else if (answer.status !== 304 && !troubled) return;  // logged out, or gone: this page stays as it is
      failures = troubled ? failures + 1 : 0;
    } catch {
      failures += 1;
    } finally {
      asking = false;
    }
    plan();
  }

  function show(html, tag) {
    if (live.contains(document.activeElement)) return;
    const before = headline();
    live.innerHTML = html;
    etag = tag;
    if (headline() !== before) news.textContent = headline();
    document.dispatchEvent(new Event("live-refreshed"));
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !pause()) clearTimeout(timer);
    else look();
  });
  document.addEventListener("time-is-up", () => { setTimeout(look, 2000); });
  plan();
})();
