// <time datetime="…" data-countdown data-now="…">: says how long is left, by the server's clock and not the device's.
(() => {
  for (const time of document.querySelectorAll("time[data-countdown]")) {
    const ahead = Date.parse(time.dataset.now) - Date.now();
    const left = document.createElement("span");
    left.setAttribute("role", "timer");
    time.after(left);

    const tick = () => {
      const seconds = Math.max(0, Math.round((Date.parse(time.dateTime) - Date.now() - ahead) / 1000));
      left.textContent = seconds ? `, ${Math.floor(seconds / 60)} min ${seconds % 60} s left` : ", and the time is up";
      if (!seconds) {
        clearInterval(timer);
        document.dispatchEvent(new Event("time-is-up"));
      }
    };
    const timer = setInterval(tick, 1000);
    tick();
  }
})();
