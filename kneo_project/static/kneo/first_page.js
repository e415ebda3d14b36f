// The first page: draws its charts, and refreshes itself while somebody can see it.
"use strict";

(() => {
  const UNITS = {
    count: (value) => value.toLocaleString("en"),
    money: (value, currency) => `${value.toLocaleString("en", { maximumFractionDigits: 4 })} ${currency}`,
    seconds: (value) => {
      if (value < 1) return `${Number((value * 1000).toPrecision(3))} ms`;
      if (value < 120) return `${Number(value.toPrecision(3))} s`;
      return value < 7200 ? `${Number((value / 60).toPrecision(3))} min` : `${Number((value / 3600).toPrecision(3))} h`;
    },
  };
  const charts = new Map();

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function dataset(row) {
    const isLine = row.shape === "line";
    return {
      type: row.shape,
      label: row.label,
      data: row.values,
      borderColor: color(row.color),
      backgroundColor: color(row.color),
      borderWidth: isLine ? 2 : 0,
      pointRadius: isLine ? 1.5 : 0,
      spanGaps: true,
      stack: isLine ? row.label : "bars",
      order: isLine ? 0 : 1,
    };
  }

  function options(told) {
    const show = (value) => UNITS[told.unit](value, told.currency);
    const isLogarithmic = told.unit === "seconds";
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: {
          stacked: true,
          grid: { display: false },
          ticks: { color: color("--kneo-subtle"), maxRotation: 0, autoSkipPadding: 16 },
        },
        y: {
          type: isLogarithmic ? "logarithmic" : "linear",
          stacked: !isLogarithmic,
          beginAtZero: true,
          grid: { color: color("--kneo-line") },
          border: { display: false },
          ticks: { color: color("--kneo-subtle"), maxTicksLimit: 5, precision: told.unit === "count" ? 0 : undefined, callback: show },
        },
      },
      plugins: {
        legend: { position: "bottom", labels: { color: color("--kneo-fg"), boxWidth: 10, boxHeight: 10 } },
        tooltip: {
          filter: (item) => item.raw !== null,
          callbacks: { label: (item) => `${item.dataset.label}: ${show(item.raw)}` },
        },
      },
    };
  }

  function draw() {
    for (const [canvas, chart] of charts) {
      if (!canvas.isConnected) {
        chart.destroy();
        charts.delete(canvas);
      }
    }
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const told = JSON.parse(canvas.dataset.chart);
      charts.get(canvas)?.destroy();
      const data = { labels: told.labels, datasets: told.rows.map(dataset) };
      charts.set(canvas, new Chart(canvas, { type: "bar", data, options: options(told) }));
      canvas.dataset.drawn = "yes";
    }
  }

  // Takes over what has changed, and leaves alone what somebody has opened or is on.
  function replace(part, fresh) {
    const drawn = fresh.cloneNode(true);
    for (const details of part.querySelectorAll("details[open]")) {
      drawn.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    }
    const links = [...part.querySelectorAll("a, summary, [tabindex]")];
    const place = links.indexOf(document.activeElement);
    part.replaceWith(drawn);
    if (place >= 0) drawn.querySelectorAll("a, summary, [tabindex]")[place]?.focus({ preventScroll: true });
  }

  function update(fresh) {
    const parts = [...fresh.querySelectorAll("[data-part]")];
    for (const part of document.querySelectorAll("#first-page [data-part]")) {
      const same = parts.find((each) => each.dataset.part === part.dataset.part);
      if (same && source.get(part.dataset.part) !== same.outerHTML) replace(part, same);
      if (same) source.set(part.dataset.part, same.outerHTML);
    }
    draw();
  }

  // The parts as the server sent them: what is on the page has been changed by drawing and opening.
  const source = new Map();

  function say(words) {
    const place = document.querySelector("#first-page [data-refreshing]");
    if (place) place.textContent = words;
  }

  async function refresh() {
    const address = new URL(location.href);
    address.searchParams.set("fragment", "1");
    let answer;
    try {
      answer = await fetch(address, { credentials: "same-origin" });
    } catch {
      say("The server cannot be reached; this page tries again.");
      return true;
    }
    if (answer.redirected) {
      say("You are logged out: load this page again.");
      return false;
    }
    if (!answer.ok) {
      say(`The server answers ${answer.status}; this page tries again.`);
      return true;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    update(fresh);
    return true;
  }

  function keepFresh(page) {
    const milliseconds = Number(page.dataset.refreshSeconds) * 1000;
    let isBusy = false;
    let refreshedAt = Date.now();
    const timer = setInterval(look, Math.min(milliseconds, 1000));
    document.addEventListener("visibilitychange", look);

    async function look() {
      if (isBusy || document.hidden || Date.now() - refreshedAt < milliseconds) return;
      isBusy = true;
      const goesOn = await refresh();
      refreshedAt = Date.now();
      isBusy = false;
      if (!goesOn) {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", look);
      }
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const page = document.getElementById("first-page");
    if (!page) return;
    for (const part of page.querySelectorAll("[data-part]")) source.set(part.dataset.part, part.outerHTML);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    draw();
    keepFresh(page);
    new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  });
})();
