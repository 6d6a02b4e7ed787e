// <time datetime="…" data-countdown data-now="…">: says how long is left, by the server's clock and not the device's.
(() => {
  function left(seconds) {
    const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
    if (!seconds) return ", and the time is up";
    if (days) return `, ${days} d ${hours % 24} h left`;
    return hours ? `, ${hours} h ${minutes % 60} min left` : `, ${minutes} min ${seconds % 60} s left`;
  }

  function count(time) {
    const ahead = Date.parse(time.dataset.now) - Date.now();
    const shown = document.createElement("span");
    shown.setAttribute("role", "timer");
    time.after(shown);
    delete time.dataset.countdown;

    const tick = () => {
      const seconds = Math.max(0, Math.round((Date.parse(time.dateTime) - Date.now() - ahead) / 1000));
      shown.textContent = left(seconds);
      if (seconds && time.isConnected) return;
      clearInterval(timer);
      if (time.isConnected) document.dispatchEvent(new Event("time-is-up"));
    };
    const timer = setInterval(tick, 1000);
    tick();
  }

  const begin = () => document.querySelectorAll("time[data-countdown]").forEach(count);
  document.addEventListener("live-refreshed", begin);
  begin();
})();
