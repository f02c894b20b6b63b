// `npm run bench -- … --html FILE`: how costs grow, drawn. A self-contained page with one chart for
// each scenario and set of other parameters whose rows tell of several numbers of regions.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./race.mjs').Row} Row */

/**
 * @typedef {object} Chart
 * @property {string} title
 * @property {{ label: string, data: { x: number, y: number }[] }[]} datasets
 */

/**
 * The charts of some results.
 *
 * @param {string} lines of JSON, as `--json` prints them
 * @returns {Chart[]}
 */
export function charts(lines) {
  /** @type {Map<string, Map<string, Map<number, number>>>} */
  const byTitle = new Map();
  for (const line of lines.split('\n').filter((text) => text.startsWith('{'))) {
    /** @type {Row} */
    const { scenario, params, subject, nsPerItem } = JSON.parse(line);
    const { regions, ...others } = params;
    if (typeof regions !== 'number' || typeof nsPerItem !== 'number') continue;
    const rest = Object.entries(others).map(([name, value]) => `${name} ${value}`);
    const title = [scenario, ...rest].join(', ');
    const bySubject = byTitle.get(title) ?? new Map();
    byTitle.set(title, bySubject);
    // A subject has a row for each rival, all with the same cost.
    bySubject.set(subject, (bySubject.get(subject) ?? new Map()).set(regions, nsPerItem));
  }
  return [...byTitle]
    .map(([title, bySubject]) => ({
      title,
      datasets: [...bySubject].map(([label, points]) => ({
        label,
        data: [...points].map(([x, y]) => ({ x, y })),
      })),
    }))
    .filter(({ datasets }) => datasets.some(({ data }) => data.length > 1));
}

/**
 * The page.
 *
 * @param {string} lines
 * @returns {string}
 */
export function page(lines) {
  // The package exports a module that imports others; the build for browsers lies beside it.
  const main = fileURLToPath(import.meta.resolve('chart.js'));
  const library = readFileSync(join(dirname(main), 'chart.umd.min.js'), 'utf8');
  const data = JSON.stringify(charts(lines)).replaceAll('<', String.raw`\u003c`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<title>node-damon: how costs grow</title>
<style>
  body { font: 16px system-ui; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
</style>
<h1>How costs grow</h1>
<p>Nanoseconds per item over the number of regions, both axes logarithmic. Medians.</p>
<script>${library.replaceAll('</script', String.raw`<\/script`)}</script>
<script>
  const logarithmic = (text) => ({ type: 'logarithmic', title: { display: true, text } });
  for (const { title, datasets } of ${data}) {
    const canvas = document.body.appendChild(document.createElement('canvas'));
    new Chart(canvas, {
      type: 'line',
      data: { datasets },
      options: {
        animation: false,
        plugins: { title: { display: true, text: title } },
        scales: { x: logarithmic('regions'), y: logarithmic('ns per item') },
      },
    });
  }
</script>
</html>
`;
}
