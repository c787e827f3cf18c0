// Draws the plots of the page from the data in it. Tables do not need it.
(function () {
  'use strict';
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById('data').textContent);
  const logTimes = document.getElementById('log');
  const floor = 1e-6; // a microsecond, the least that is measured: a logarithm needs one
  const paper = 660; // fits a sheet of A4 and of Letter; its own width is not known before it is printed
  const drawn = new Set();
  let plots = [];

  function color(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }

  function three(v) {
    const a = Math.abs(v);
    if (a >= 99.95) return v.toFixed(0);
    if (a >= 9.995) return v.toFixed(1);
    if (a >= 0.9995 || a === 0) return v.toFixed(2);
    return v.toPrecision(3);
  }
  function plain(v) { return String(Number(v.toPrecision(3))); }
  function span(v, digits) {
    if (v === 0) return '0 s';
    if (v < 0) return '-' + span(-v, digits);
    if (v < 999.5e-6) return digits(v * 1e6) + ' us';
    if (v < 999.5e-3) return digits(v * 1e3) + ' ms';
    return digits(v) + ' s';
  }
  function bytes(v, digits) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let i = 0;
    while (Math.abs(v) >= 1024 && i < units.length - 1) { v /= 1024; i++; }
    return digits(v) + ' ' + units[i];
  }
  function figure(v, unit, digits) {
    if (v === null || v === undefined) return '-';
    switch (unit) {
    case 's': return span(v, digits);
    case 'bytes': return bytes(v, digits);
    case '/s': return digits(v) + '/s';
    case '': return Math.abs(v) >= 1e4 ? Math.round(v).toLocaleString('en') : digits(v);
    default: return digits(v) + ' ' + unit;
    }
  }
  // On an axis the unit of a plain count stands in the caption.
  function tick(v, unit) {
    if (v === null || v === undefined) return '';
    if (unit === 's') return span(v, plain);
    if (unit === 'bytes') return bytes(v, plain);
    return Math.abs(v) >= 1e4 ? v.toLocaleString('en') : plain(v);
  }
  function clock(s) {
    if (s === null || s === undefined) return '-';
    if (Math.abs(s) < 120) return plain(s) + ' s';
    const at = Math.round(s), pad = function (n) { return String(n).padStart(2, '0'); };
    const h = Math.floor(at / 3600), m = Math.floor(at / 60) % 60;
    return h > 0 ? h + ':' + pad(m) + ':' + pad(at % 60) : m + ':' + pad(at % 60);
  }

  const font = '11px ' + (getComputedStyle(document.body).fontFamily || 'sans-serif');

  // Room for the longest label of an axis.
  function room(u, values, axis) {
    if (!values) return 40;
    u.ctx.save();
    u.ctx.font = font;
    let most = 0;
    for (const v of values) most = Math.max(most, u.ctx.measureText(v).width);
    u.ctx.restore();
    return Math.ceil(most + 14);
  }

  function axis(values, more) {
    return Object.assign({
      stroke: color('--dim'), font: font, values: values,
      grid: { stroke: color('--grid'), width: 1 }, ticks: { stroke: color('--grid'), width: 1, size: 4 },
    }, more);
  }

  function stroke(row, i) {
    if (/fail|drop|not taken|refused|given up|retr/.test(row.name)) return color('--alarm');
    return color('--c' + (i % 13));
  }

  function upright(v) { return v === null || v > floor ? v : floor; }

  // Marks are instants of the run, the same on every plot.
  function marks(u) {
    const ctx = u.ctx, ratio = window.devicePixelRatio || 1;
    let last = -Infinity, row = 0;
    ctx.save();
    ctx.strokeStyle = color('--cut');
    ctx.fillStyle = color('--cut');
    ctx.lineWidth = ratio;
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    ctx.font = Math.round(10 * ratio) + 'px sans-serif';
    ctx.textAlign = 'left';
    ctx.textBaseline = 'alphabetic';
    data.marks.forEach(function (m, i) {
      const x = Math.round(u.valToPos(m.at, 'x', true)) + 0.5;
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
      ctx.beginPath();
      ctx.moveTo(x, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + u.bbox.height);
      ctx.stroke();
      row = x - last > 16 * ratio ? 0 : (row + 1) % 8; // numbers of neighbours go one below the other
      ctx.fillText(String(i + 1), x + 2 * ratio, u.bbox.top + (10 + 10 * row) * ratio);
      last = x;
    });
    ctx.restore();
  }

  // The lines of a logarithmic axis: powers of ten, and 2 and 5 where there is room.
  function decades(u, index, min, max) {
    const at = [], few = Math.log10(max / min) < 2.5;
    for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); e++) {
      for (const digit of few ? [1, 2, 5] : [1]) {
        const v = Number(digit + 'e' + e);
        if (v >= min * 0.9999 && v <= max * 1.0001) at.push(v);
      }
    }
    return at;
  }
  const asIs = function (u, all) { return all; };

  const binary = [];
  for (let unit = 1; unit < 1e13; unit *= 1024) {
    for (const n of [1, 2, 5, 10, 20, 50, 100, 200, 500]) binary.push(n * unit);
  }

  const legend = { live: true, markers: { dash: function (u, i) { return u.series[i].dash ? 'dashed' : 'solid'; } } };

  function count(el) {
    return function () {
      drawn.add(el);
      root.dataset.plots = String(drawn.size);
    };
  }

  function overTime(el, plot, width) {
    const log = plot.unit === 's' && logTimes.checked;
    const columns = [data.time], series = [{ label: 'at', value: function (u, v) { return clock(v); } }];
    const mixed = plot.rows.some(function (row) { return !row.switch; });
    plot.rows.forEach(function (row, i) {
      const apart = mixed && row.switch;
      columns.push(log ? row.values.map(upright) : row.values);
      series.push({
        label: apart && row.name !== 'switch' ? 'switch: ' + row.name : row.name, stroke: stroke(row, i), width: 1.5,
        dash: apart ? [6, 4] : undefined, spanGaps: false, points: { show: lonely(row.values), size: 4 },
        value: function (u, v) { return figure(v, plot.unit, three); },
      });
    });
    const scale = log ? { distr: 3 } : { range: function (u, min, max) { return [Math.min(0, min || 0), max > 0 ? max * 1.08 : 1]; } };
    return new uPlot({
      width: width, height: 190, legend: legend, cursor: { sync: { key: 'time' }, points: { size: 6 } },
      scales: { x: { time: false }, y: scale }, series: series,
      axes: [
        axis(function (u, all) { return all.map(clock); }, { size: 26, space: 60 }),
        axis(function (u, all) { return all.map(function (v) { return tick(v, plot.unit); }); }, log ? { size: room, splits: decades, filter: asIs } : { size: room, space: 34, incrs: plot.unit === 'bytes' ? binary : undefined }),
      ],
      hooks: { draw: [marks, count(el)] },
    }, columns, el);
  }

  // A second alone between gaps has no line: it needs a point.
  function lonely(values) {
    return function (u, series, from, to) {
      for (let i = from; i <= to; i++) {
        if (values[i] !== null && (i === 0 || values[i - 1] === null) && (i === values.length - 1 || values[i + 1] === null)) return true;
      }
      return false;
    };
  }

  function percentile(level) {
    if (level === null || level === undefined) return '-';
    const places = Math.max(0, Math.ceil(Math.log10(level)) - 1);
    const p = (1 - 1 / level) * 100;
    return Number(p.toFixed(Math.min(places, 8))) + ' %';
  }

  function byPercentile(el, width) {
    const columns = [data.levels], series = [{ label: 'at or below', value: function (u, v) { return percentile(v); } }];
    const boxes = document.querySelectorAll('[data-curve]');
    data.curves.forEach(function (c, i) {
      const on = boxes[i].checked, line = color('--c' + (i % 13));
      boxes[i].parentNode.querySelector('i').style.background = line;
      const value = function (u, v) { return figure(v, 's', three); };
      columns.push(c.corrected.map(upright), c.uncorrected.map(upright));
      series.push({ label: c.step, show: on, stroke: line, width: 2, value: value, spanGaps: true, points: { show: false } });
      series.push({ label: c.step + ' uncorrected', show: on, stroke: line, width: 1, dash: [5, 4], value: value, spanGaps: true, points: { show: false } });
    });
    const most = data.levels[data.levels.length - 1];
    return new uPlot({
      width: width, height: 320, legend: legend, cursor: { points: { size: 6 } }, series: series,
      scales: { x: { time: false, distr: 3, range: function (u, min, max) { return [Math.max(1, min), Math.max(max, min * 1.5)]; } }, y: { distr: 3 } },
      axes: [
        axis(function (u, all) { return all.map(percentile); }, {
          size: 26,
          splits: function (u) {
            const at = u.width < 600 ? [1] : [1, 2];
            for (let level = 10; level <= most; level *= 10) at.push(level);
            return at;
          },
          filter: asIs,
        }),
        axis(function (u, all) { return all.map(function (v) { return tick(v, 's'); }); }, { size: room, splits: decades, filter: asIs }),
      ],
      hooks: { draw: [count(el)] },
    }, columns, el);
  }

  function draw() {
    const places = document.querySelectorAll('[data-plot], [data-curves]');
    root.dataset.wanted = String(places.length);
    plots.forEach(function (p) { p.uplot.destroy(); });
    plots = [];
    places.forEach(function (el) {
      const width = root.classList.contains('paper') ? paper : Math.floor(el.clientWidth);
      const u = 'curves' in el.dataset ? byPercentile(el, width) : overTime(el, data.plots[Number(el.dataset.plot)], width);
      plots.push({ el: el, uplot: u });
    });
  }

  document.querySelectorAll('[data-curve]').forEach(function (box) {
    box.addEventListener('change', function () {
      const i = Number(box.dataset.curve);
      plots.forEach(function (p) {
        if (!('curves' in p.el.dataset)) return;
        p.uplot.batch(function () {
          p.uplot.setSeries(1 + 2 * i, { show: box.checked });
          p.uplot.setSeries(2 + 2 * i, { show: box.checked });
        });
      });
    });
  });
  logTimes.addEventListener('change', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);

  let waiting = 0;
  addEventListener('resize', function () {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(function () {
      plots.forEach(function (p) {
        const width = Math.floor(p.el.clientWidth);
        if (width !== p.uplot.width) p.uplot.setSize({ width: width, height: p.uplot.height });
      });
    });
  });

  // Paper is white and narrow, and what is folded cannot be opened on it.
  let folded = [];
  addEventListener('beforeprint', function () {
    root.classList.add('paper');
    folded = Array.from(document.querySelectorAll('details:not([open])'));
    folded.forEach(function (d) { d.open = true; });
    draw();
  });
  addEventListener('afterprint', function () {
    root.classList.remove('paper');
    folded.forEach(function (d) { d.open = false; });
    draw();
  });

  draw();
  root.dataset.ready = 'true';
})();
