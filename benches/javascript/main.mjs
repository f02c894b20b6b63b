// The second half of `npm run bench`: what is measured from JavaScript, in the rows of the first.
import { isDeepStrictEqual, parseArgs } from 'node:util';

import { SCENARIOS } from './scenarios.mjs';

/** @typedef {import('./race.mjs').Row} Row */

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    // The first half notes it beside the machine.
    date: { type: 'string' },
  },
});

for (const { name, about, item, measure } of SCENARIOS) {
  if (!name.includes(values.filter)) continue;
  const rows = await measure(values.smoke);
  if (values.json) rows.forEach((row) => process.stdout.write(JSON.stringify(row) + '\n'));
  else process.stdout.write(`\n## ${name}\n\n${about}\n\n${table(rows, item)}\n`);
}

/**
 * One line per subject, in Markdown; a subject of ours has no ratio.
 *
 * @param {readonly Row[]} rows
 * @param {string} item
 */
function table(rows, item) {
  const params = Object.keys(rows[0]?.params ?? {});
  const lines = [[...params, 'subject', `ns/${item}`, 'min..max', 'over ours']];
  const subjects = new Map(rows.map((row) => [JSON.stringify([row.params, row.subject]), row]));
  for (const row of subjects.values()) {
    const against = rows.find(
      (other) => other.rival === row.subject && isDeepStrictEqual(other.params, row.params),
    );
    const ratio = against?.ratio;
    lines.push([
      ...params.map((key) => String(row.params[key])),
      row.subject,
      row.nsPerItem.toFixed(2),
      row.spread.map((ns) => ns.toFixed(2)).join('..'),
      ratio?.toFixed(2) ?? '',
    ]);
  }
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const text = lines.map(
    (line) => `| ${line.map((cell, i) => cell.padEnd(widths?.[i] ?? 0)).join(' | ')} |`,
  );
  const rule = `|${widths?.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [text[0], rule, ...text.slice(1)].join('\n');
}
