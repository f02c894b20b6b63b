/**
 * The part of the page that runs in a browser: draws the charts from the data beside it.
 *
 * Plain JavaScript in a string, because it shares nothing with this program but the data
 * (`PageData` in `data.ts`). It asks no network, reads no storage and writes no HTML.
 */

/** The script. Needs the globals `Chart` and `Chart.controllers.matrix`, and a canvas for each of its kinds. */
export const SCRIPT: string = String.raw`'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const dark = matchMedia('screen and (prefers-color-scheme: dark)');
  const paper = matchMedia('print');
  const color = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

  // The same numbers as in the tables: three digits, no exponent.
  const number = (value) => {
    if (value === 0) return '0';
    const digits = Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(Math.abs(value)))));
    const text = value.toFixed(digits);
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  };
  const duration = (seconds) => {
    if (seconds < 60) return number(seconds) + ' s';
    const whole = Math.round(seconds);
    const pair = whole < 3600
      ? [Math.floor(whole / 60), 'min', whole % 60, 's']
      : [Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min'];
    return pair[0] + ' ' + pair[1] + (pair[2] ? ' ' + String(pair[2]).padStart(2, '0') + ' ' + pair[3] : '');
  };

  const mix = (from, to, at) =>
    '#' + [1, 3, 5].map((i) => {
      const [a, b] = [parseInt(from.slice(i, i + 2), 16), parseInt(to.slice(i, i + 2), 16)];
      return Math.round(a + (b - a) * at).toString(16).padStart(2, '0');
    }).join('');
  const heat = (ramp, position) => {
    const at = position * (ramp.length - 1);
    const index = Math.min(Math.floor(at), ramp.length - 2);
    return mix(ramp[index], ramp[index + 1], at - index);
  };
  const position = ({ low, high, firstStep }, rate) => {
    if (rate <= 0) return 0;
    if (rate >= high) return 1;
    if (rate <= low) return firstStep;
    return firstStep + (1 - firstStep) * (Math.log(rate / low) / Math.log(high / low));
  };

  const axis = (title, more) => ({
    type: 'linear',
    offset: false,
    border: { color: color('rule') },
    grid: { color: color('rule'), drawTicks: false },
    title: { display: title !== '', text: title, color: color('muted'), font: { size: 12 } },
    ...more,
    ticks: { color: color('muted'), padding: 8, maxRotation: 0, font: { size: 11 }, ...more.ticks },
  });
  const tooltip = (more) => ({
    backgroundColor: color('ink'),
    titleColor: color('page'),
    bodyColor: color('page'),
    titleFont: { weight: '600', size: 12 },
    bodyFont: { size: 12 },
    padding: 10,
    cornerRadius: 4,
    caretSize: 0,
    displayColors: false,
    ...more,
  });
  const timeAxis = (series, title) =>
    axis(title, {
      min: 0,
      max: series.seconds,
      grid: { display: false },
      afterBuildTicks: (scale) => { scale.ticks = series.ticks.map((value) => ({ value })); },
      ticks: { callback: duration, autoSkip: true },
    });

  // Plots above each other share their left edge.
  const flush = { afterFit: (scale) => { scale.width = 52; } };

  // Node names in the right margin, each beside its memory.
  const nodeNames = (map) => ({
    id: 'nodeNames',
    afterDraw({ ctx, chartArea, scales }) {
      ctx.save();
      ctx.font = '600 11px ' + Chart.defaults.font.family;
      ctx.textAlign = 'center';
      ctx.textBaseline = 'middle';
      for (const { name, from, to } of map.nodes) {
        const [top, bottom] = [scales.y.getPixelForValue(from), scales.y.getPixelForValue(to)];
        const x = chartArea.right + 7;
        ctx.strokeStyle = color('muted');
        ctx.beginPath();
        ctx.moveTo(x, top + 1);
        ctx.lineTo(x, bottom - 1);
        ctx.stroke();
        if (ctx.measureText(name).width > bottom - top) continue;
        ctx.save();
        ctx.fillStyle = color('muted');
        ctx.translate(x + 12, (top + bottom) / 2);
        ctx.rotate(Math.PI / 2);
        ctx.fillText(name, 0, 0);
        ctx.restore();
      }
      for (const { at, text } of map.breaks) {
        ctx.fillStyle = color('muted');
        ctx.font = '10px ' + Chart.defaults.font.family;
        ctx.fillText(text, (chartArea.left + chartArea.right) / 2, scales.y.getPixelForValue(at));
      }
      ctx.restore();
    },
  });

  const heatmap = (canvas, map) => {
    const ramp = dark.matches ? map.ramps.dark : map.ramps.light;
    const cells = [];
    map.rates.forEach((rate, i) => {
      if (rate === null) return;
      const row = Math.floor(i / map.columns);
      const column = i % map.columns;
      const [from, to] = [map.edges[column], map.edges[column + 1]];
      cells.push({ x: (from + to) / 2, y: map.rows[row].at + 0.5, row, from, to, rate });
    });
    const colors = cells.map(({ rate }) => heat(ramp, position(map, rate)));
    // A pixel more than a cell needs, so that no seam shows between two.
    const width = ({ chart, raw }) =>
      chart.chartArea && raw ? ((raw.to - raw.from) / map.seconds) * chart.chartArea.width + 1 : 0;
    const height = ({ chart }) =>
      chart.chartArea ? chart.chartArea.height / map.height + 1 : 0;
    return new Chart(canvas, {
      type: 'matrix',
      data: { datasets: [{ data: cells, backgroundColor: colors, hoverBorderColor: color('ink'), hoverBorderWidth: 1.5, width, height }] },
      plugins: [nodeNames(map)],
      options: {
        layout: { padding: { right: 26 } },
        scales: {
          x: timeAxis(map, 'Time'),
          y: axis('', {
            min: 0,
            max: map.height,
            reverse: true,
            border: { display: false },
            grid: { display: false },
            afterBuildTicks: (scale) => { scale.ticks = map.addresses.map(({ at }) => ({ value: at })); },
            ticks: {
              autoSkip: false,
              font: { size: 10, family: color('mono') },
              callback: (value) => (map.addresses.find(({ at }) => at === value) || { text: '' }).text,
            },
          }),
        },
        plugins: {
          tooltip: tooltip({
            titleFont: { family: color('mono'), weight: '600', size: 11 },
            callbacks: {
              title: ([{ raw }]) => map.rows[raw.row].text,
              label: ({ raw }) => [
                map.rows[raw.row].node,
                duration(raw.from) + ' to ' + duration(raw.to),
                number(raw.rate * map.rows[raw.row].mib) + ' hits/s',
                number(raw.rate) + ' hits/s per MiB',
              ].filter((line) => line !== ''),
            },
          }),
        },
      },
    });
  };

  // Ramps and published bands behind the lines. With relative set, targets are at 0.
  const bands = (series, relative) => ({
    id: 'bands',
    beforeDatasetsDraw({ ctx, chartArea, scales: { x, y } }) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
      ctx.clip();
      for (const stretch of series.stretches) {
        const zero = relative ? stretch.target : 0;
        const settled = stretch.rampSeconds === null ? stretch.to : stretch.from + stretch.rampSeconds;
        const px = (seconds) => x.getPixelForValue(seconds);
        ctx.fillStyle = color('ramp-wash');
        ctx.fillRect(px(stretch.from), chartArea.top, px(settled) - px(stretch.from), chartArea.height);
        for (const { mean, stddev } of stretch.published) {
          const [top, middle, bottom] = [mean + stddev, mean, mean - stddev].map((v) => y.getPixelForValue(v - zero));
          ctx.fillStyle = color('published-wash');
          ctx.fillRect(px(settled), top, px(stretch.to) - px(settled), Math.max(1, bottom - top));
          ctx.strokeStyle = color('published');
          ctx.lineWidth = 1;
          ctx.beginPath();
          ctx.moveTo(px(settled), middle);
          ctx.lineTo(px(stretch.to), middle);
          ctx.stroke();
        }
      }
      ctx.restore();
    },
    afterDatasetsDraw({ ctx, chartArea, scales: { x, y } }) {
      ctx.save();
      ctx.strokeStyle = color('target');
      ctx.fillStyle = color('target');
      ctx.lineWidth = 1;
      ctx.font = '600 11px ' + Chart.defaults.font.family;
      for (const { from, to, target } of series.stretches) {
        const at = y.getPixelForValue(relative ? 0 : target);
        const [left, right] = [x.getPixelForValue(from), x.getPixelForValue(to)];
        ctx.setLineDash([5, 4]);
        ctx.beginPath();
        ctx.moveTo(left, at);
        ctx.lineTo(right, at);
        ctx.stroke();
        const text = 'target ' + number(target) + ' %';
        if (relative || ctx.measureText(text).width + 12 > right - left) continue;
        ctx.textAlign = 'right';
        // Below the line where it is close to the top.
        const below = at - chartArea.top < 20;
        ctx.fillText(text, right - 6, below ? at + 18 : at - 10);
      }
      ctx.restore();
    },
  });

  const line = (name, values, step, { from = 0, ...more }) => ({
    label: name,
    data: values.map((y, i) => ({ x: from + i * step, y })),
    borderWidth: 1.5,
    pointRadius: 0,
    pointHoverRadius: 3,
    borderJoinStyle: 'round',
    ...more,
  });
  const percent = (value, digits) => (value === null ? '–' : value.toFixed(digits) + ' %');

  const share = (canvas, series) =>
    new Chart(canvas, {
      type: 'line',
      data: {
        datasets: [
          line('goal metric', series.share, series.step, { borderColor: color('share'), pointBackgroundColor: color('share') }),
          line('true share', series.trueShare, series.step, { borderColor: color('truth'), pointBackgroundColor: color('truth') }),
        ],
      },
      plugins: [bands(series, false)],
      options: {
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: timeAxis(series, ''),
          y: axis('', { ...flush, min: 0, max: 100, ticks: { stepSize: 20, callback: (value) => value + ' %' } }),
        },
        plugins: {
          tooltip: tooltip({
            callbacks: {
              title: ([item]) => duration(item.parsed.x),
              label: ({ dataset, parsed }) => dataset.label + ' ' + percent(parsed.y, 2),
            },
          }),
        },
      },
    });

  const offset = (canvas, series) => {
    const targetAt = (second) => series.stretches.reduce((target, s) => (s.from <= second ? s.target : target), NaN);
    const values = series.share.map((value, i) => (value === null ? null : value - targetAt(i * series.step)));
    return new Chart(canvas, {
      type: 'line',
      data: { datasets: [line('offset', values, series.step, { borderColor: color('share'), pointBackgroundColor: color('share') })] },
      plugins: [bands(series, true)],
      options: {
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: timeAxis(series, 'Time'),
          y: axis('', {
            ...flush,
            min: -series.zoom,
            max: series.zoom,
            ticks: { maxTicksLimit: 5, callback: (value) => (value > 0 ? '+' : value < 0 ? '−' : '') + number(Math.abs(value)) + ' pp' },
          }),
        },
        plugins: {
          tooltip: tooltip({
            callbacks: {
              title: ([item]) => duration(item.parsed.x),
              label: ({ parsed }) => (parsed.y < 0 ? '−' : '+') + Math.abs(parsed.y).toFixed(2) + ' percentage points',
            },
          }),
        },
      },
    });
  };

  const quotas = (canvas, series) =>
    new Chart(canvas, {
      type: 'line',
      data: {
        datasets: series.schemes.map(({ name, mib }, i) => {
          const own = color('series-' + ((i % 4) + 1));
          return line(name, mib, series.step, { borderColor: own, pointBackgroundColor: own, stepped: true });
        }),
      },
      options: {
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: timeAxis(series, 'Time'),
          y: axis('', { min: 0, ticks: { maxTicksLimit: 6, callback: (value) => number(value) + ' MiB' } }),
        },
        plugins: {
          tooltip: tooltip({
            callbacks: {
              title: ([item]) => duration(item.parsed.x),
              label: ({ dataset, parsed }) => dataset.label + ' ' + number(parsed.y) + ' MiB',
            },
          }),
        },
      },
    });

  // A line, and the edges of its band around it: the fill reaches from the one to the other.
  const bandPlot = (canvas, series) =>
    new Chart(canvas, {
      type: 'line',
      data: {
        datasets: series.lines.flatMap(({ name, from, step, mean, low, high, color: own, dashes }) => {
          const stroke = color('series-' + own);
          const edge = { from, borderWidth: 0, pointHoverRadius: 0, backgroundColor: stroke + '33' };
          return [
            // At 0 and 100 % too it is as wide as elsewhere.
            line(name, mean, step, { from, borderColor: stroke, pointBackgroundColor: stroke, borderDash: dashes, clip: 2 }),
            line('', high, step, { ...edge, fill: '+1' }),
            line('', low, step, edge),
          ];
        }).concat((series.targets || []).map(({ from, percent: y }) => ({
          label: '',
          data: [{ x: from, y }, { x: series.seconds, y }],
          borderColor: color('target'),
          borderWidth: 1,
          borderDash: [5, 4],
          pointRadius: 0,
          pointHoverRadius: 0,
        }))),
      },
      options: {
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: timeAxis(series, 'Time'),
          y: axis('Share of hot memory', {
            ...(series.whole && { min: 0, max: 100 }),
            // Some room around the lines, but none for shares that there are not.
            afterDataLimits: (scale) => {
              const room = (scale.max - scale.min) / 20;
              Object.assign(scale, { min: Math.max(0, scale.min - room), max: Math.min(100, scale.max + room) });
            },
            ticks: { maxTicksLimit: 8, callback: (value) => number(value) + ' %' },
          }),
        },
        plugins: {
          tooltip: tooltip({
            filter: ({ dataset }) => dataset.label !== '',
            callbacks: {
              title: ([item]) => (item ? duration(item.parsed.x) : ''),
              label: ({ dataset, parsed }) => dataset.label + ' ' + percent(parsed.y, 2),
            },
          }),
        },
      },
    });

  // Stretches of windows: each holds until the next begins, the last to the end.
  const held = (series, values) =>
    values.map((y, i) => ({ x: series.at[i], y })).concat({ x: series.seconds, y: values[values.length - 1] });

  const stretches = (canvas, series, { datasets, top, unit, title }) =>
    new Chart(canvas, {
      type: 'line',
      data: { datasets },
      options: {
        interaction: { mode: 'index', intersect: false },
        scales: {
          x: timeAxis(series, title),
          y: axis('', {
            ...flush,
            min: 0,
            max: top,
            stacked: top !== undefined,
            ticks: { maxTicksLimit: 5, callback: (value) => number(value) + ' ' + unit },
          }),
        },
        plugins: {
          tooltip: tooltip({
            callbacks: {
              title: ([item]) => duration(item.parsed.x),
              label: ({ dataset, raw }) => dataset.label + ' ' + number(raw.y) + ' ' + unit,
            },
          }),
        },
      },
    });

  const work = (canvas, series) =>
    stretches(canvas, series, {
      unit: 'MiB',
      title: '',
      datasets: series.lines.map(({ name, color: own, mib, look }) => ({
        label: name,
        data: held(series, mib),
        borderColor: color(own),
        backgroundColor: color(own) + '55',
        pointBackgroundColor: color(own),
        borderDash: look === 'dashed' ? [5, 4] : [],
        borderWidth: look === 'area' ? 0 : 1.5,
        fill: look === 'area',
        pointRadius: 0,
        stepped: true,
      })),
    });

  const outcomes = (canvas, series) =>
    stretches(canvas, series, {
      unit: '%',
      title: 'Time',
      top: 100,
      datasets: series.outcomes.map(({ name, color: own, percent }) => ({
        label: name,
        data: held(series, percent),
        backgroundColor: color(own),
        borderWidth: 0,
        pointRadius: 0,
        fill: true,
        stepped: true,
      })),
    });

  Object.assign(Chart.defaults, { animation: false, responsive: true, maintainAspectRatio: false, normalized: true });
  Chart.defaults.font.family = color('sans');
  Chart.defaults.plugins.legend.display = false;

  const kinds = { heatmap, share, offset, quotas, work, outcomes, bands: bandPlot };
  let charts = [];
  const draw = () => {
    for (const chart of charts) chart.destroy();
    charts = [...document.querySelectorAll('canvas[data-kind]')].map((canvas) =>
      kinds[canvas.dataset.kind](canvas, data[canvas.dataset.series]));
  };
  draw();
  dark.addEventListener('change', draw);
  paper.addEventListener('change', draw);
})();
`;
