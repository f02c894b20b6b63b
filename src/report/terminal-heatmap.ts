/**
 * The heatmap as text for a terminal: half blocks in colour, or glyphs without.
 */

import { Chalk, type ChalkInstance } from 'chalk';

import { formatAddress, formatBytes, formatDuration, formatRate } from './format.ts';
import type { Heatmap, HeatmapGrid } from './heatmap.ts';
import { nodeLabel, nodeOf, type MemoryNode } from './hot-ranges.ts';
import { item } from './item.ts';
import {
  FIRST_STEP,
  fitHeatScale,
  HEAT_ANSI256,
  HEAT_GLYPHS,
  HEAT_ON_DARK,
  heatColor,
  heatPosition,
  type HeatScale,
} from './palette.ts';
import {
  clampWidth,
  cut,
  NODE_WIDTH_MAX,
  printable,
  type TerminalOptions,
} from './terminal-text.ts';
import { timeTicks } from './ticks.ts';

/** How {@link renderHeatmap} lays the map out. */
export interface TerminalHeatmapOptions extends TerminalOptions {
  /** Lines of the map itself. With 256 colours or more each line has two rows. @default 24 */
  readonly lines?: number;
  /** Names for the addresses, and boundaries that rows respect. @default [] */
  readonly nodes?: readonly MemoryNode[];
}

/** An address is labelled on every so many lines. */
const LINES_PER_LABEL = 4;

/** Columns a time label needs. */
const COLUMNS_PER_TICK = 12;

/** Most steps of the ramp in the legend. */
const LEGEND_STEPS = 24;

/** Shades told apart in a line; fewer shades make longer runs of one colour and a shorter string. */
const SHADES = 64;

/**
 * Time × address, low addresses on top: one line of labels, the map, the time axis, the legend.
 *
 * @example
 * ```ts
 * import { renderHeatmap, replay } from 'node-damon';
 *
 * const { heatmap, nodes } = await replay({ path: 'redis.samples.csv.zst' });
 * console.log(renderHeatmap(heatmap, { nodes, width: 100 }));
 * ```
 */
export function renderHeatmap(heatmap: Heatmap, options: TerminalHeatmapOptions = {}): string {
  const { lines = 24, nodes = [], colorLevel = 0 } = options;
  const chalk = new Chalk({ level: colorLevel });
  const rowsPerLine = colorLevel >= 2 ? 2 : 1;
  const labels = nodes.map((node) => cut(printable(nodeLabel(node)), NODE_WIDTH_MAX));
  const gutter = new Gutter(labels, addressWidth(heatmap), chalk);
  const columns = clampWidth(options.width) - gutter.width;
  const grid = heatmap.read({
    rows: lines * rowsPerLine,
    columns,
    cuts: nodes.flatMap(({ start, end }) => [start, end]),
  });
  const title = chalk.bold('Accesses by address and time');
  if (grid.rows === 0) return `${title}\n${chalk.dim('Nothing was monitored.')}`;

  const scale = fitHeatScale(grid.rates);
  const map = drawn(grid, columns);
  const painter =
    colorLevel >= 2 ? new BlockPainter(map, scale, chalk) : new GlyphPainter(map, scale, chalk);
  const output = [title];
  let lineOfBlock = 0;
  let shown: string | undefined;
  for (let row = 0; row < grid.rows;) {
    const owner = nodeOf(nodes, item(grid.rowStarts, row));
    const node = owner ? item(labels, nodes.indexOf(owner)) : '';
    if (row > 0 && grid.breaks.includes(row)) {
      const gap = formatBytes(item(grid.rowStarts, row) - item(grid.rowEnds, row - 1));
      output.push(gutter.line('', '⋮', chalk.dim(`${gap} not monitored`), ' '));
      lineOfBlock = 0;
    }
    if (node !== shown) lineOfBlock = 0;
    const last = Math.min(row + rowsPerLine, blockEnd(grid, nodes, row)) - 1;
    const address =
      lineOfBlock % LINES_PER_LABEL === 0 ? formatAddress(item(grid.rowStarts, row)) : '';
    output.push(gutter.line(node === shown ? '' : node, address, painter.paint(row, last), '│'));
    shown = node;
    lineOfBlock += 1;
    row = last + 1;
  }
  output.push(
    ...timeAxis(map, gutter, chalk),
    legend(grid, scale, clampWidth(options.width), chalk),
  );
  return output.map((line) => line.trimEnd()).join('\n');
}

/** A grid as it is drawn: columns may be repeated. */
interface Drawn extends Omit<HeatmapGrid, 'hits' | 'edgesNs'> {
  /** From the first edge to the last. */
  readonly seconds: number;
}

/** In as many columns as fit, so that a run of few snapshots has room for its time axis too. */
function drawn({ columns, edgesNs, rates, ...grid }: HeatmapGrid, columnsMax: number): Drawn {
  const times = Math.max(1, Math.floor(columnsMax / columns));
  return {
    ...grid,
    columns: columns * times,
    seconds: Number((edgesNs.at(-1) ?? 0n) - (edgesNs[0] ?? 0n)) / 1e9,
    rates: Float64Array.from({ length: rates.length * times }, (_, i) =>
      item(rates, Math.floor(i / times)),
    ),
  };
}

/** The labels left of the map: node, address, and the line that separates them from it. */
class Gutter {
  readonly #chalk: ChalkInstance;
  readonly #nodeWidth: number;
  readonly #addressWidth: number;

  constructor(labels: readonly string[], addressColumns: number, chalk: ChalkInstance) {
    this.#chalk = chalk;
    this.#nodeWidth = Math.max(0, ...labels.map((label) => label.length + 2));
    this.#addressWidth = addressColumns;
  }

  get width(): number {
    return this.#nodeWidth + this.#addressWidth + 2;
  }

  line(node: string, address: string, content: string, rule: string): string {
    const label = node.padEnd(this.#nodeWidth);
    const place = this.#chalk.dim(`${address.padStart(this.#addressWidth)} ${rule}`);
    return `${label}${place}${content}`;
  }
}

/** Draws two rows per line, each cell a coloured half block. */
class BlockPainter {
  readonly #grid: Drawn;
  readonly #scale: HeatScale;
  readonly #chalk: ChalkInstance;

  constructor(grid: Drawn, scale: HeatScale, chalk: ChalkInstance) {
    this.#grid = grid;
    this.#scale = scale;
    this.#chalk = chalk;
  }

  paint(first: number, last: number): string {
    const shades = Array.from({ length: this.#grid.columns }, (_, column) => [
      this.#shade(first, column),
      last > first ? this.#shade(last, column) : null,
    ]);
    let line = '';
    for (let from = 0, to = 0; from < shades.length; from = to) {
      const [top, bottom] = shades[from] as [number | null, number | null];
      while (to < shades.length && same(item(shades, to), item(shades, from))) to += 1;
      line += this.#blocks(top, bottom, to - from);
    }
    return line;
  }

  #blocks(top: number | null, bottom: number | null, count: number): string {
    if (top === null) {
      return bottom === null ? ' '.repeat(count) : ink(this.#chalk, bottom)('▄'.repeat(count));
    }
    if (bottom === null) return ink(this.#chalk, top)('▀'.repeat(count));
    if (top === bottom) return ink(this.#chalk, top)('█'.repeat(count));
    return paper(ink(this.#chalk, top), bottom)('▀'.repeat(count));
  }

  #shade(row: number, column: number): number | null {
    const rate = item(this.#grid.rates, row * this.#grid.columns + column);
    return Number.isNaN(rate)
      ? null
      : Math.round(heatPosition(this.#scale, rate) * SHADES) / SHADES;
  }
}

/** Draws one row per line, each cell a glyph. */
class GlyphPainter {
  readonly #grid: Drawn;
  readonly #scale: HeatScale;
  readonly #chalk: ChalkInstance;

  constructor(grid: Drawn, scale: HeatScale, chalk: ChalkInstance) {
    this.#grid = grid;
    this.#scale = scale;
    this.#chalk = chalk;
  }

  paint(row: number): string {
    const at = row * this.#grid.columns;
    const rates = this.#grid.rates.subarray(at, at + this.#grid.columns);
    return Array.from(rates, (rate) => this.#glyph(rate)).join('');
  }

  #glyph(rate: number): string {
    if (Number.isNaN(rate)) return ' ';
    return glyphAt(this.#chalk, heatPosition(this.#scale, rate));
  }
}

function glyphAt(chalk: ChalkInstance, position: number): string {
  const steps = HEAT_GLYPHS.length - 1;
  const step =
    position === 0 ? 0 : 1 + Math.floor(((position - FIRST_STEP) / (1 - FIRST_STEP)) * steps);
  const glyph = item(HEAT_GLYPHS, Math.min(step, steps));
  return chalk.level === 0 ? glyph : ink(chalk, position)(glyph);
}

/** The colour of heat as foreground. */
function ink(chalk: ChalkInstance, position: number): ChalkInstance {
  if (chalk.level === 1) {
    return chalk[item(BASIC_INKS, Math.floor(position * (BASIC_INKS.length - 1)))];
  }
  if (chalk.level === 2) return chalk.ansi256(ansi256(position));
  return chalk.rgb(...heatColor(HEAT_ON_DARK, position));
}

/** The same as background. */
function paper(chalk: ChalkInstance, position: number): ChalkInstance {
  if (chalk.level === 2) return chalk.bgAnsi256(ansi256(position));
  return chalk.bgRgb(...heatColor(HEAT_ON_DARK, position));
}

const BASIC_INKS = ['blue', 'magenta', 'red', 'yellow', 'yellowBright'] as const;

function ansi256(position: number): number {
  return item(HEAT_ANSI256, Math.round(position * (HEAT_ANSI256.length - 1)));
}

function same(a: readonly (number | null)[], b: readonly (number | null)[]): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** First row after `row` that may not share its line: another node, or memory after a hole. */
function blockEnd(grid: HeatmapGrid, nodes: readonly MemoryNode[], row: number): number {
  const node = nodeOf(nodes, item(grid.rowStarts, row));
  let end = row + 1;
  while (
    end < grid.rows &&
    !grid.breaks.includes(end) &&
    nodeOf(nodes, item(grid.rowStarts, end)) === node
  ) {
    end += 1;
  }
  return end;
}

/** The line under the map with the address where memory ends, and the times below it. */
function timeAxis(grid: Drawn, gutter: Gutter, chalk: ChalkInstance): string[] {
  const { seconds } = grid;
  const ticks = timeTicks(seconds, Math.max(2, Math.floor(grid.columns / COLUMNS_PER_TICK)));
  const rule = Array.from({ length: grid.columns }, () => '─');
  let labels = '';
  for (const tick of ticks) {
    const column = seconds > 0 ? Math.round((tick / seconds) * grid.columns) : 0;
    const label = formatDuration(tick);
    const collides = labels !== '' && labels.length >= column;
    if (collides || column + label.length > grid.columns) continue;
    rule[column] = '┬';
    labels = labels.padEnd(column) + label;
  }
  const end = formatAddress(item(grid.rowEnds, grid.rows - 1));
  return [
    gutter.line('', end, chalk.dim(rule.join('')), '└'),
    gutter.line('', '', chalk.dim(labels), ' '),
  ];
}

function legend(grid: HeatmapGrid, scale: HeatScale, width: number, chalk: ChalkInstance): string {
  const swatch = (at: number): string =>
    chalk.level >= 2 ? ink(chalk, at)('█') : glyphAt(chalk, at);
  const before = ` none   ${formatRate(scale.low)} `;
  const blank = grid.rates.some(Number.isNaN) ? '; blank: not monitored' : '';
  const after = ` ${formatRate(scale.high)} hits/s per MiB, log${blank}`;
  const steps = Math.max(2, Math.min(LEGEND_STEPS, width - before.length - after.length - 1));
  const ramp = Array.from({ length: steps }, (_, i) =>
    swatch(FIRST_STEP + ((1 - FIRST_STEP) * i) / (steps - 1)),
  );
  return `${swatch(0)}${before}${ramp.join('')}${after}`;
}

function addressWidth(heatmap: Heatmap): number {
  const end = heatmap.read({ rows: 1, columns: 1 }).rowEnds.at(-1);
  return end === undefined ? 0 : formatAddress(end).length;
}
