
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");

  const duration = (micros) => {
    const two = (number, parts, great, small) =>
      Math.floor(number / parts) + " " + great + (number % parts ? " " + (number % parts) + " " + small : "");
    const seconds = micros / 1e6, whole = Math.floor(seconds);
    if (micros === 0) return "0 s";
    if (micros < 1e3) return micros + " µs";
    if (micros < 1e4) return (micros / 1e3).toFixed(1) + " ms";
    if (micros < 1e6) return Math.floor(micros / 1e3) + " ms";
    if (seconds < 10) return seconds.toFixed(2) + " s";
    if (seconds < 60) return seconds.toFixed(1) + " s";
    if (seconds < 3600) return two(whole, 60, "min", "s");
    if (seconds < 86400) return two(Math.floor(whole / 60), 60, "h", "min");
    return two(Math.floor(whole / 3600), 24, "d", "h");
  };
  const moment = (since) => {
    const at = new Date(data.start + since / 1e3);
    const shown = Number.isNaN(at.getTime()) ? "" : " (" + at.toISOString().slice(11, 19) + " UTC)";
    return "after " + duration(Math.max(0, Math.round(since))) + shown;
  };

  const show = (event, lines) => {
    tip.replaceChildren(...lines.filter(([, text]) => text).map(([tag, text]) => {
      const line = document.createElement(tag);
      line.textContent = text;
      return line;
    }));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    const below = event.clientY + 18;
    const top = below + box.height > innerHeight ? event.clientY - box.height - 12 : below;
    tip.style.transform = "translate(" + Math.max(8, left) + "px," + Math.max(8, top) + "px)";
  };
  const hide = () => { tip.hidden = true; };
  const watch = (element, lines) => {
    if (!element) return;
    const look = (event) => {
      const box = element.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * data.width;
      const found = lines(x, event.clientY - box.top, data.width / box.width);
      if (found) show(event, found); else hide();
    };
    for (const kind of ["pointermove", "pointerdown"]) element.addEventListener(kind, look);
    element.addEventListener("pointerleave", hide);
  };

  const rows = new Map();
  for (const bar of data.bars || []) {
    if (!rows.has(bar[0])) rows.set(bar[0], []);
    rows.get(bar[0]).push(bar);
  }
  watch(document.querySelector("#bars svg"), (x, y, pixel) => {
    const near = (rows.get(Math.floor(y / data.row)) || []).filter((bar) => bar[1] - pixel <= x && x <= bar[1] + bar[2] + pixel);
    const bar = near.reduce((best, bar) => (!best || bar[3] >= best[3] ? bar : best), null);
    if (!bar) return null;
    const [, , , kind, count, job, attempt, since, micros] = bar;
    if (count > 1) {
      return [["b", count.toLocaleString("en") + " short attempts, " + data.kinds[kind]],
        ["div", "the first is job " + job + ", " + moment(since)],
        ["div", "together " + duration(micros) + ", on average " + duration(Math.round(micros / count))]];
    }
    const [name, command] = data.labels[job] || ["", ""];
    return [["b", "job " + job + (name ? " · " + name : "")],
      ["div", data.kinds[kind] + (attempt > 1 || kind === data.retried ? ", attempt " + attempt : "")],
      ["div", "took " + duration(micros) + ", started " + moment(since)], ["code", command]];
  });
  watch(document.querySelector("#curve svg"), (x) => {
    const running = data.running[Math.min(data.running.length - 1, Math.max(0, Math.floor(x / data.width * data.running.length)))];
    const piece = data.pieces.find(([, , , x1]) => x <= x1) || data.pieces[data.pieces.length - 1];
    const [from, to, x0, x1, cut] = piece;
    if (cut) return [["b", "nothing ran for " + duration(to - from)]];
    return [["b", (Math.round(running * 10) / 10) + " at once"], ["div", moment(from + (x - x0) / (x1 - x0) * (to - from))]];
  });
  addEventListener("scroll", hide, { passive: true });

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    table.tHead.querySelectorAll("button").forEach((button) => {
      button.addEventListener("click", () => {
        const head = button.parentElement, column = head.cellIndex;
        const down = head.getAttribute("aria-sort") !== "descending";
        table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => Number(row.cells[column].dataset.v);
        const sorted = [...body.rows].sort((a, b) => down ? value(b) - value(a) : value(a) - value(b));
        body.append(...sorted);
      });
    });
  }
  document.body.dataset.ready = "yes";
})();
