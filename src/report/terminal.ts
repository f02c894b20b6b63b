/**
 * The views as text for a terminal.
 *
 * Every function returns a string without a final newline and prints nothing. Colour is an
 * argument, so the same input gives the same bytes everywhere; without colour, glyphs carry the
 * same information. No line ends in a space or is wider than `width`.
 */

import { Chalk, type ChalkInstance } from 'chalk';

import type { Convergence, ConvergenceRow } from './convergence.ts';
import {
  formatAddress,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatRate,
  formatShare,
  formatSigned,
} from './format.ts';
import type { Counters } from './counters.ts';
import type { HotRange, MemoryNode, WorkingSet } from './hot-ranges.ts';
import { balance, type Balance, type Books, type PublishedResult } from './record.ts';
import {
  clampWidth,
  cut,
  fittedTable,
  hang,
  NODE_WIDTH_MAX,
  printable,
  table,
  wrap,
  wrapText,
  type TerminalOptions,
} from './terminal-text.ts';

export { renderExplanation, type TerminalExplanationOptions } from './terminal-explanation.ts';
export { renderHeatmap, type TerminalHeatmapOptions } from './terminal-heatmap.ts';
export type { ColorLevel, TerminalOptions } from './terminal-text.ts';

/** Columns of the table of hot ranges that a narrow terminal does without, first to last. */
const DISPENSABLE: readonly string[] = ['end', 'nr_accesses'];

/**
 * The hottest ranges as a table.
 *
 * @example
 * ```ts
 * import { renderHotRanges, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderHotRanges(record.hotRanges));
 * ```
 */
export function renderHotRanges(
  ranges: readonly HotRange[],
  options: TerminalOptions = {},
): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const title = chalk.bold('Hot ranges');
  if (ranges.length === 0) return `${title}\n${chalk.dim('Nothing was monitored.')}`;
  const columns = HOT_RANGE_COLUMNS.filter(
    ({ head }) => head !== 'node' || ranges.some(({ node }) => node !== null),
  ).map(({ head, cell }) => ({
    head,
    align: head === 'node' ? ('left' as const) : ('right' as const),
    cells: ranges.map(cell),
  }));
  return `${title}\n${fittedTable(columns, DISPENSABLE, options).text}`;
}

const HOT_RANGE_COLUMNS: readonly { head: string; cell: (range: HotRange) => string }[] = [
  { head: 'start', cell: ({ start }) => formatAddress(start) },
  { head: 'end', cell: ({ end }) => formatAddress(end) },
  { head: 'node', cell: ({ node }) => (node ? nodeCell(node) : '–') },
  { head: 'size', cell: ({ szBytes }) => formatBytes(szBytes) },
  { head: 'hits/s/MiB', cell: ({ rate }) => formatRate(rate) },
  { head: 'nr_accesses', cell: ({ nrAccesses }) => formatNumber(nrAccesses) },
  { head: 'age', cell: ({ ageSeconds }) => formatDuration(ageSeconds) },
  { head: 'of hits', cell: ({ share }) => formatShare(share) },
];

function nodeCell({ id, name }: MemoryNode): string {
  return cut(printable(name ?? String(id)), NODE_WIDTH_MAX);
}

/**
 * The working set in a line, or two where the terminal is narrow.
 *
 * @example
 * ```ts
 * import { renderWorkingSet, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderWorkingSet(record.workingSet));
 * ```
 */
export function renderWorkingSet(set: WorkingSet, options: TerminalOptions = {}): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const parts = [
    `${formatBytes(set.accessedBytes)} of ${formatBytes(set.monitoredBytes)} accessed`,
    ...set.shares.map(
      ({ percent, szBytes }) => `${formatNumber(percent)} % of hits in ${formatBytes(szBytes)}`,
    ),
  ];
  const title = 'Working set';
  const [first, ...rest] = wrap(parts, ', ', clampWidth(options.width) - title.length - 2);
  const indent = ' '.repeat(title.length + 2);
  return [`${chalk.bold(title)}  ${first}`, ...rest.map((line) => indent + line)].join('\n');
}

/**
 * All counters, and whether every equation balances.
 *
 * @example
 * ```ts
 * import { renderBooks, replay } from 'node-damon';
 *
 * const record = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderBooks(record.books));
 * ```
 */
export function renderBooks(books: Books, options: TerminalOptions = {}): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const counters = table([], counterRows(books.counters, 0), ['left', 'right'], chalk);
  const width = clampWidth(options.width);
  const equations = balance(books).map((result) => renderBalance(result, width, chalk));
  return [chalk.bold('Books'), counters, '', ...equations].join('\n');
}

/** An equation in words, in names and in numbers. */
function renderBalance(result: Balance, width: number, chalk: ChalkInstance): string {
  const { equation, left, right, offBy } = result;
  const mark = offBy === 0n ? chalk.green('✓') : chalk.red('✗');
  const words = wrapText(printable(equation.name), width - 2);
  const names = wrap(
    sides(equation.left.map(printable), '=', equation.right.map(printable)),
    ' ',
    width - 4,
  );
  const terms = sides(left.map(formatCount), offBy === 0n ? '=' : '≠', right.map(formatCount));
  const verdict = offBy === 0n ? [] : [`(off by ${formatCount(offBy)})`];
  return [
    ...hang(words, `${mark} `, 2),
    ...hang(names, '    ', 4).map((line) => chalk.dim(line)),
    ...hang(wrap([...terms, ...verdict], ' ', width - 4), '    ', 4),
  ].join('\n');
}

/**
 * How well each target was held, next to published results for the same target.
 *
 * @example
 * ```ts
 * import { demo, renderConvergence } from 'node-damon';
 *
 * const { rows, published } = await demo({ targets: [70], minutes: 0.1 });
 * console.log(renderConvergence(rows, published));
 * ```
 */
export function renderConvergence(
  rows: readonly ConvergenceRow[],
  published: readonly PublishedResult[] = [],
  options: TerminalOptions = {},
): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const head = ['', 'target', 'mean', 'offset', 'stddev', 'ramp', 'overshoot'];
  const others = published.filter(({ target }) => !rows.some((row) => row.target === target));
  const body = [
    ...rows.flatMap((row) => [
      convergenceCells(`from ${formatDuration(row.fromSecond)}`, row),
      ...published.filter(({ target }) => target === row.target).map(publishedCells),
    ]),
    ...others.map(publishedCells),
  ];
  const aligns = ['left', 'right', 'right', 'right', 'right', 'right', 'right'] as const;
  const note = 'Percent, and percentage points for offset, stddev and overshoot.';
  return [chalk.bold('Convergence'), table(head, body, aligns, chalk), chalk.dim(note)].join('\n');
}

/** The cells of one row of a convergence table, after its name. */
function convergenceCells(name: string, row: Convergence): string[] {
  return [
    name,
    formatNumber(row.target),
    orDash(row.mean),
    row.offset === null ? '–' : formatSigned(row.offset),
    orDash(row.stddev),
    row.rampSeconds === null ? 'not reached' : formatDuration(row.rampSeconds),
    orDash(row.overshoot),
  ];
}

function orDash(value: number | null): string {
  return value?.toFixed(2) ?? '–';
}

function publishedCells({ target, mean, stddev }: PublishedResult): string[] {
  return [
    'published',
    formatNumber(target),
    mean.toFixed(2),
    formatSigned(mean - target),
    stddev.toFixed(2),
    '–',
    '–',
  ];
}

function counterRows(counters: Counters, depth: number): string[][] {
  return Object.entries(counters).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const label = '  '.repeat(depth) + printable(name);
    if (typeof value !== 'object') return [[label, formatCount(value)]];
    return [[label, '']].concat(counterRows(value, depth + 1));
  });
}

/** `a + b`, `= c`, `+ d`: an equation that may be wrapped in front of a sign. */
function sides(left: readonly string[], sign: string, right: readonly string[]): string[] {
  const [first = '0', ...more] = right;
  return [left.join(' + '), `${sign} ${first}`, ...more.map((term) => `+ ${term}`)];
}
