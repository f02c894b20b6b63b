/**
 * What the script of the page gets: records thinned out and rounded to what a screen can show.
 */

import { item } from '../item.ts';
import { formatAddress, formatBytes, formatDuration, formatRate, MIB } from '../format.ts';
import type { Heatmap, HeatmapGrid } from '../heatmap.ts';
import type { Band } from '../interval.ts';
import { nodeLabel, nodeOf, type MemoryNode } from '../hot-ranges.ts';
import { FIRST_STEP, fitHeatScale, HEAT_ON_DARK, HEAT_ON_LIGHT } from '../palette.ts';
import type { DemoRecord, PublishedResult } from '../record.ts';
import { timeTicks } from '../ticks.ts';

/** The size of the drawn map: more cells than this are not told apart on a screen. */
const MAP_COLUMNS = 160;
const MAP_ROWS = 96;

/** Height of a hole in the map, in rows. */
const BREAK_ROWS = 4;

/** Most labels on the address axis of the map. */
const ADDRESS_LABELS = 12;

/** Most labels on a time axis. */
export const TIME_LABELS = 9;

/** Points of a line: more than this are averaged. */
const SHARE_POINTS = 1800;
const QUOTA_POINTS = 240;

/** A time axis in seconds from the start. */
export interface TimeAxisData {
  readonly seconds: number;
  readonly ticks: readonly number[];
}

/** A heatmap as drawn. Places on the vertical axis are in rows, from the lowest address down. */
export interface HeatmapData extends TimeAxisData {
  readonly columns: number;
  /** Rows and breaks together. */
  readonly height: number;
  /** `columns + 1` times. */
  readonly edges: readonly number[];
  readonly rows: readonly {
    readonly at: number;
    readonly text: string;
    readonly node: string;
    readonly mib: number;
  }[];
  readonly nodes: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  readonly breaks: readonly { readonly at: number; readonly text: string }[];
  readonly addresses: readonly { readonly at: number; readonly text: string }[];
  /** Hits per second per MiB by `row * columns + column`; `null` where nothing was monitored. */
  readonly rates: readonly (number | null)[];
  readonly low: number;
  readonly high: number;
  readonly firstStep: number;
  readonly ramps: { readonly dark: readonly string[]; readonly light: readonly string[] };
}

/** A share and its targets over time. */
export interface ShareData extends TimeAxisData {
  /** Seconds between points. */
  readonly step: number;
  readonly share: readonly (number | null)[];
  readonly trueShare: readonly (number | null)[];
  /** Height of the plot around the target, in percentage points up and down. */
  readonly zoom: number;
  readonly stretches: readonly {
    readonly from: number;
    readonly to: number;
    readonly target: number;
    readonly rampSeconds: number | null;
    readonly published: readonly PublishedResult[];
  }[];
}

/** Effective quotas over time. */
export interface QuotaData extends TimeAxisData {
  readonly step: number;
  readonly schemes: readonly {
    readonly name: string;
    readonly mib: readonly (number | null)[];
  }[];
}

/** What a scheme was allowed and did, by stretches of windows. */
export interface ExplanationData extends TimeAxisData {
  /** Seconds at which each stretch begins. */
  readonly at: readonly number[];
  /** MiB per window. */
  readonly lines: readonly {
    readonly name: string;
    readonly color: string;
    /** Where all are alike, each is still seen. */
    readonly look: 'dashed' | 'line' | 'area';
    readonly mib: readonly number[];
  }[];
  /** What became of the regions, in percent of their bytes; together 100. */
  readonly outcomes: readonly {
    readonly name: string;
    readonly color: string;
    readonly percent: readonly number[];
  }[];
}

/** Mean shares with their bands over time. */
export interface BandData extends TimeAxisData {
  readonly lines: readonly BandLine[];
  readonly targets?: readonly BandTarget[];
  /** Drawn from 0 to 100 %, whatever the lines need. */
  readonly whole?: boolean;
}

/** What a share should be in percent, from a second on. */
export interface BandTarget {
  readonly from: number;
  readonly percent: number;
}

/** A share in percent over time, and its band. */
interface BandLine {
  readonly name: string;
  /** Of the four colours of series, from 1. */
  readonly color: number;
  /** Pixels drawn and left out by turns; none is a whole line. */
  readonly dashes: readonly number[];
  /** When the first value was, and between two, in seconds. */
  readonly from: number;
  readonly step: number;
  readonly mean: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** Half an hour by the second: thinned, a cycle of two seconds would be a straight line. */
const BAND_POINTS = 2_000;

/** Bands of shares: what is drawn of an interval ends where a share does. */
export function bandData(
  bands: readonly (Omit<BandLine, 'step' | keyof Band> & {
    readonly band: Band;
  })[],
): BandData {
  const lines = bands.map(({ band: { mean, low, high }, ...line }): BandLine => {
    const step = Math.max(1, Math.ceil(mean.length / BAND_POINTS));
    const drawn = (values: Float64Array): (number | null)[] =>
      thinned(
        values.map((value) => Math.min(100, Math.max(0, value))),
        step,
      );
    return { ...line, step, mean: drawn(mean), low: drawn(low), high: drawn(high) };
  });
  const seconds = Math.max(0, ...bands.map(({ band }) => band.mean.length));
  return { seconds, ticks: timeTicks(seconds, TIME_LABELS), lines };
}

/** All series of a page, by the name that a canvas gives in `data-series`. */
export type PageData = Record<
  string,
  HeatmapData | ShareData | QuotaData | ExplanationData | BandData
>;

/** The map of a heatmap. */
export function heatmapData(heatmap: Heatmap, nodes: readonly MemoryNode[]): HeatmapData {
  const grid = heatmap.read({
    columns: MAP_COLUMNS,
    rows: MAP_ROWS,
    cuts: nodes.flatMap(({ start, end }) => [start, end]),
  });
  const startNs = grid.edgesNs[0] ?? 0n;
  const edges = grid.edgesNs.map((edge) => Number(edge - startNs) / 1e9);
  const seconds = edges.at(-1) ?? 0;
  const places = placeRows(grid);
  const owners = Array.from(grid.rowStarts, (start) => nodeOf(nodes, start));
  return {
    columns: grid.columns,
    height: grid.rows + grid.breaks.length * BREAK_ROWS,
    seconds,
    ticks: timeTicks(seconds, TIME_LABELS),
    edges,
    rows: places.map((at, row) => ({
      at,
      text: `${formatAddress(item(grid.rowStarts, row))} to ${formatAddress(item(grid.rowEnds, row))}`,
      node: owners[row] ? nodeLabel(owners[row]) : '',
      mib: Number(item(grid.rowEnds, row) - item(grid.rowStarts, row)) / MIB,
    })),
    nodes: nodeSpans(owners, places),
    breaks: grid.breaks.map((row) => ({
      at: item(places, row) - BREAK_ROWS / 2,
      text: `${formatBytes(item(grid.rowStarts, row) - item(grid.rowEnds, row - 1))} not monitored`,
    })),
    addresses: addressLabels(grid, places),
    rates: Array.from(grid.rates, (rate) => (Number.isNaN(rate) ? null : rounded(rate))),
    ...fitHeatScale(grid.rates),
    firstStep: FIRST_STEP,
    ramps: { dark: HEAT_ON_DARK, light: HEAT_ON_LIGHT },
  };
}

/** A map in a sentence, for those who cannot see it. */
export function describeHeatmap(map: HeatmapData): string {
  if (map.rows.length === 0) return 'Nothing was monitored.';
  let hottest = 0;
  map.rates.forEach((rate, i) => {
    if ((rate ?? -1) > (map.rates[hottest] ?? -1)) hottest = i;
  });
  const row = item(map.rows, Math.floor(hottest / map.columns));
  const column = hottest % map.columns;
  const from = formatDuration(item(map.edges, column));
  const to = formatDuration(item(map.edges, column + 1));
  return (
    `Access rates over ${formatDuration(map.seconds)}, in ${map.rows.length} rows of addresses. ` +
    `The hottest cell has ${formatRate(map.rates[hottest] ?? 0)} hits per second per MiB: ` +
    `${row.text}${row.node && `, ${row.node}`}, from ${from} to ${to}.`
  );
}

/** The share of a demo with its targets, and the published results for each. */
export function shareData(demo: DemoRecord): ShareData {
  const seconds = demo.share.length;
  const step = Math.max(1, Math.ceil(seconds / SHARE_POINTS));
  const offsets = demo.rows.flatMap(({ target, rampSeconds, fromSecond, toSecond }) =>
    rampSeconds === null
      ? []
      : Array.from(
          demo.share.subarray(fromSecond + rampSeconds, toSecond),
          (share) => share - target,
        ),
  );
  const largest = offsets.reduce((most, offset) => Math.max(most, Math.abs(offset) || 0), 0);
  return {
    seconds,
    ticks: timeTicks(seconds, TIME_LABELS),
    step,
    share: thinned(demo.share, step),
    trueShare: thinned(demo.trueShare, step),
    zoom: Math.max(2, Math.ceil(largest)),
    stretches: demo.rows.map(({ fromSecond, toSecond, target, rampSeconds }) => ({
      from: fromSecond,
      to: toSecond,
      target,
      rampSeconds,
      published: demo.published.filter((result) => result.target === target),
    })),
  };
}

/** The effective quotas of a demo. */
export function quotaData({ quotas = [] }: DemoRecord): QuotaData {
  const seconds = Math.max(0, ...quotas.map(({ effectiveBytes }) => effectiveBytes.length));
  const step = Math.max(1, Math.ceil(seconds / QUOTA_POINTS));
  return {
    seconds,
    ticks: timeTicks(seconds, TIME_LABELS),
    step,
    schemes: quotas.map(({ name, effectiveBytes }) => ({
      name,
      mib: thinned(
        effectiveBytes.map((bytes) => bytes / MIB),
        step,
      ),
    })),
  };
}

/** Where each row begins, with room for the breaks. */
function placeRows(grid: HeatmapGrid): number[] {
  let breaks = 0;
  return Array.from({ length: grid.rows }, (_, row) => {
    if (grid.breaks.includes(row)) breaks += 1;
    return row + breaks * BREAK_ROWS;
  });
}

/** Stretches of rows that belong to one node. */
function nodeSpans(
  owners: readonly (MemoryNode | null)[],
  places: readonly number[],
): HeatmapData['nodes'] {
  const spans: { name: string; from: number; to: number }[] = [];
  owners.forEach((owner, row) => {
    const at = item(places, row);
    const previous = spans.at(-1);
    if (owner && owner === owners[row - 1] && previous) previous.to = at + 1;
    else if (owner) spans.push({ name: nodeLabel(owner), from: at, to: at + 1 });
  });
  return spans;
}

/** Addresses at the edges of memory, and evenly between them where there is room. */
function addressLabels(grid: HeatmapGrid, places: readonly number[]): HeatmapData['addresses'] {
  const every = Math.max(1, Math.ceil(grid.rows / ADDRESS_LABELS));
  const labels: { at: number; text: string }[] = [];
  let sinceBreak = 0;
  for (let row = 0; row < grid.rows; row++) {
    const start = row === 0 || grid.breaks.includes(row);
    const end = row + 1 === grid.rows || grid.breaks.includes(row + 1);
    sinceBreak = start ? 0 : sinceBreak + 1;
    if (sinceBreak % every === 0) {
      labels.push({ at: item(places, row), text: formatAddress(item(grid.rowStarts, row)) });
    }
    if (!end) continue;
    const last = item(labels, labels.length - 1);
    // The end of memory matters more than a step so close to it that the two would collide.
    if (item(places, row) + 1 - last.at < every / 2 && sinceBreak >= every) labels.pop();
    labels.push({ at: item(places, row) + 1, text: formatAddress(item(grid.rowEnds, row)) });
  }
  return labels;
}

/** Means of every `step` values; `null` where none of them is a number. */
function thinned(values: Float64Array, step: number): (number | null)[] {
  return Array.from({ length: Math.ceil(values.length / step) }, (_, i) => {
    const some = values.subarray(i * step, (i + 1) * step).filter(Number.isFinite);
    const mean = some.reduce((sum, value) => sum + value, 0) / some.length;
    return some.length > 0 ? Math.round(mean * 100) / 100 : null;
  });
}

/** Three significant digits, which is what is shown of a rate. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(3));
}
