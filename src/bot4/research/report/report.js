"use strict";
// Values under the pointer or the arrow keys, and one zoom over all charts. The page reads without it.
(() => {
  const EXTENT = 10000;
  const tip = document.getElementById("tip");
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const MINUTE = 60e3, HOUR = 3600e3, DAY = 86400e3;

  const write = (value, decimals) =>
    value.toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "\u2212");
  const FORMATS = {
    money: (value) => write(value, 2),
    percent: (value) => write(100 * value, 2) + "%",
    ratio: (value) => write(value, 2),
    price: (value) => write(value, value ? Math.max(2, 4 - Math.floor(Math.log10(Math.abs(value)))) : 2),
  };
  const two = (number) => String(number).padStart(2, "0");
  const moment = (ms) => {
    const when = new Date(ms);
    return `${when.getUTCDate()} ${MONTHS[when.getUTCMonth()]} ${when.getUTCFullYear()}, ` +
      `${two(when.getUTCHours())}:${two(when.getUTCMinutes())} UTC`;
  };

  function showTip(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = x + 16 + width > innerWidth ? Math.max(4, x - 16 - width) : x + 16;
    const top = Math.min(Math.max(4, y - height - 12), innerHeight - height - 4);
    tip.style.left = `${left}px`;
    tip.style.top = `${top}px`;
  }
  const hideTip = () => { tip.hidden = true; };

  function roundStep(step) {
    const magnitude = 10 ** Math.floor(Math.log10(step));
    return [1, 2, 2.5, 5, 10].map((lead) => lead * magnitude).find((candidate) => candidate >= step * (1 - 1e-9));
  }

  function decimalsOf(step) {
    let decimals = 0;
    while (decimals < 12 && Math.abs(step - Number(step.toFixed(decimals))) > 1e-6 * step) decimals += 1;
    return decimals;
  }

  function timeLabels(from, to, room) {
    const steps = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
    const step = steps.find((candidate) => (to - from) / candidate <= room);
    const labels = [];
    if (step) {
      for (let ms = Math.ceil(from / step) * step; ms <= to; ms += step) {
        const when = new Date(ms);
        const isClock = step < DAY && ms % DAY !== 0;
        labels.push([ms, isClock ? `${two(when.getUTCHours())}:${two(when.getUTCMinutes())}`
          : `${when.getUTCDate()} ${MONTHS[when.getUTCMonth()]}`]);
      }
      return labels;
    }
    const months = [1, 2, 3, 6, 12, 24].find((count) => (to - from) / (count * 30.44 * DAY) <= room) || 60;
    const first = new Date(from);
    let index = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
    for (;; index += months) {
      const ms = Date.UTC(Math.floor(index / 12), index % 12, 1);
      if (ms > to) return labels;
      if (ms >= from) labels.push([ms, index % 12 ? MONTHS[index % 12] : String(index / 12)]);
    }
  }

  class Chart {
    constructor(figure) {
      this.plot = figure.querySelector(".plot");
      this.svg = this.plot.querySelector("svg");
      this.cursor = this.plot.querySelector(".cursor");
      this.selection = this.plot.querySelector(".selection");
      this.data = JSON.parse(figure.querySelector("script").textContent);
      let sum = 0;
      this.times = this.data.x.map((step) => (sum += step));
      this.window = this.data.span;
      this.yAxis = figure.querySelector(".y-axis");
      this.xAxis = figure.querySelector(".x-axis");
      this.frame = figure.querySelector(".frame");
      this.gutter = this.frame.style.getPropertyValue("--gutter");
      this.grid = figure.querySelector(".grid");
      this.drawn = [this.yAxis, this.xAxis, this.grid].map((part) => part.innerHTML);
      this.index = this.times.length - 1;
      this.listen();
    }

    listen() {
      const { plot } = this;
      let from = null;
      plot.addEventListener("pointermove", (event) => {
        this.point(this.share(event), event.clientY);
        if (from !== null) this.select(from, this.share(event));
      });
      plot.addEventListener("pointerleave", () => this.leave());
      plot.addEventListener("pointerdown", (event) => {
        this.point(this.share(event), event.clientY);
        if (event.pointerType !== "mouse" || event.button !== 0) return;
        from = this.share(event);
        plot.setPointerCapture(event.pointerId);
      });
      plot.addEventListener("pointerup", (event) => {
        if (from === null) return;
        const [left, right] = [from, this.share(event)].sort((a, b) => a - b);
        from = null;
        this.selection.hidden = true;
        if (right - left > 0.01) zoomAll(this.timeAt(left), this.timeAt(right));
      });
      plot.addEventListener("pointercancel", () => { from = null; this.selection.hidden = true; });
      plot.addEventListener("dblclick", () => zoomAll(...this.data.span));
      plot.addEventListener("blur", () => this.leave());
      plot.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
        if (event.key === "Escape") zoomAll(...this.data.span);
        if (!step) return;
        event.preventDefault();
        this.show(Math.min(Math.max(this.index + step, 0), this.times.length - 1));
      });
    }

    share(event) {
      const box = this.plot.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    }

    timeAt(share) { return this.window[0] + share * (this.window[1] - this.window[0]); }

    point(share, y) {
      const ms = this.timeAt(share);
      let low = 0, high = this.times.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.times[middle] < ms) low = middle + 1; else high = middle;
      }
      if (low > 0 && ms - this.times[low - 1] < this.times[low] - ms) low -= 1;
      this.show(low, y);
    }

    show(index, y) {
      this.index = index;
      const ms = this.times[index];
      const box = this.plot.getBoundingClientRect();
      const share = (ms - this.window[0]) / Math.max(this.window[1] - this.window[0], 1);
      this.cursor.style.left = `${100 * share}%`;
      this.cursor.hidden = share < 0 || share > 1;
      const format = FORMATS[this.data.format];
      const lines = this.data.series.filter((one) => one.y[index] !== null).map((one) => `${one.name}  ${format(one.y[index])}`);
      const text = [moment(ms), ...lines, ...this.eventsAt(ms)].join("\n");
      showTip(text, box.left + share * box.width, y ?? box.top + 40);
    }

    eventsAt(ms) {
      const reach = (this.window[1] - this.window[0]) / 250;
      const open = this.data.events.filter((trade) => trade[0] - reach <= ms && ms <= trade[1] + reach);
      const lines = open.slice(0, 4).map(([, , side, result, r, reason]) =>
        `${side > 0 ? "Long" : "Short"} ${result > 0 ? "+" : ""}${write(result, 2)}` +
        `${r === null ? "" : ` (${write(r, 2)} R)`}, ${reason.replaceAll("_", " ")}`);
      return open.length > 4 ? [...lines, `and ${open.length - 4} more trades`] : lines;
    }

    leave() {
      this.cursor.hidden = true;
      hideTip();
    }

    select(from, to) {
      this.selection.hidden = false;
      this.selection.style.left = `${100 * Math.min(from, to)}%`;
      this.selection.style.width = `${100 * Math.abs(to - from)}%`;
    }

    scale(value) {
      const [low, high, isLog] = this.data.axis;
      return isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    }

    unscale(share) {
      const [low, high, isLog] = this.data.axis;
      return isLog ? low * (high / low) ** share : low + share * (high - low);
    }

    zoom(from, to) {
      const [start, end] = this.data.span;
      this.window = [from, to];
      if (from === start && to === end) {
        this.svg.setAttribute("viewBox", `0 0 ${EXTENT} ${EXTENT}`);
        [this.yAxis, this.xAxis, this.grid].forEach((part, index) => { part.innerHTML = this.drawn[index]; });
        this.frame.style.setProperty("--gutter", this.gutter);
        return;
      }
      const [bottom, top] = this.visibleRange(from, to);
      const left = (from - start) / (end - start) * EXTENT;
      const width = (to - from) / (end - start) * EXTENT;
      this.svg.setAttribute("viewBox", `${left} ${(1 - top) * EXTENT} ${width} ${(top - bottom) * EXTENT}`);
      this.label(bottom, top);
    }

    visibleRange(from, to) {
      let low = Infinity, high = -Infinity;
      this.times.forEach((ms, index) => {
        if (ms < from || ms > to) return;
        for (const one of this.data.series) {
          const value = one.y[index];
          if (value === null) continue;
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      });
      if (low > high) return [0, 1];
      if (this.data.isFromZero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
      const [bottom, top] = [this.scale(low), this.scale(high)];
      const air = 0.06 * (top - bottom) || 0.05;
      const isBare = (value) => this.data.isFromZero && value === 0;
      return [isBare(low) ? bottom : bottom - air, isBare(high) && low < 0 ? top : top + air];
    }

    label(bottom, top) {
      const [low, high] = [this.unscale(bottom), this.unscale(top)];
      const percent = this.data.format === "percent" ? 100 : 1;
      const step = roundStep((high - low) * percent / 5);
      const decimals = decimalsOf(step);
      this.yAxis.replaceChildren();
      this.grid.replaceChildren();
      for (let tick = Math.ceil(low * percent / step) * step; tick <= high * percent; tick += step) {
        const height = `${100 * (top - this.scale(tick / percent)) / (top - bottom)}%`;
        const text = write(Math.abs(tick) < step / 2 ? 0 : tick, decimals) + (percent === 100 ? "%" : "");
        this.yAxis.append(placed("span", "top", height, text));
        const line = placed("i", "top", height, "");
        if (Math.abs(tick) < step / 2) line.className = "zero";
        this.grid.append(line);
      }
      const longest = Math.max(0, ...[...this.yAxis.children].map((label) => label.textContent.length));
      this.frame.style.setProperty("--gutter", longest);
      const [from, to] = this.window;
      this.xAxis.replaceChildren(...timeLabels(from, to, 7).map(([ms, text]) => {
        const share = 100 * (ms - from) / (to - from);
        const label = placed("span", "left", `${share}%`, text);
        if (share < 4) label.className = "start";
        if (share > 96) label.className = "end";
        return label;
      }));
    }
  }

  function placed(name, side, at, text) {
    const node = document.createElement(name);
    node.style[side] = at;
    node.textContent = text;
    return node;
  }

  const charts = [...document.querySelectorAll("figure.chart")].map((figure) => new Chart(figure));
  function zoomAll(from, to) {
    for (const chart of charts) chart.zoom(from, to);
  }

  for (const node of document.querySelectorAll("[data-tip]")) {
    const show = () => {
      const box = node.getBoundingClientRect();
      showTip(node.dataset.tip, box.left, box.top);
    };
    node.addEventListener("pointerenter", show);
    node.addEventListener("focus", show);
    node.addEventListener("pointerleave", hideTip);
    node.addEventListener("blur", hideTip);
  }
})();
