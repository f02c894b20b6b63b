/** A placement study as a table for a terminal: who placed pages how well, with 95 % intervals. */
import { Chalk } from 'chalk';

import { formatBytes, formatDuration, formatRate } from './format.ts';
import type { MeanInterval } from './interval.ts';
import {
  type PlacementComparison,
  type PlacementRecord,
  type PlacementSummary,
  comparePlacement,
  summarizePlacement,
} from './placement.ts';
import { describeStudy, withInterval, withSign } from './terminal-study.ts';
import {
  type Column,
  type TerminalOptions,
  clampWidth,
  cut,
  fittedTable,
  wrap,
  wrapText,
} from './terminal-text.ts';

/** What the columns of either view say, in their order. */
export const PLACEMENT_HEAD = [
  'ops/s',
  'of base',
  'lag',
  'ramp',
  'hot',
  'stddev',
  'free',
  'moved/s',
  'CPU',
] as const;
/** Columns that a narrow terminal does without, first to last. */
const DISPENSABLE: readonly string[] = ['ops/s', 'free', 'stddev', 'lag'];
const LABEL_WIDTH = 24;
const NOTE =
  'Means over the seeds, with 95 % intervals where there are several. Ops of the workload, and ' +
  'what they are of those of the base; time until half of the hot memory was on the fast node ' +
  '(lag), and 90 % (ramp); how much is there later, and how that goes up and down; what is free ' +
  'there; what moved; CPU time per second that sampling, schemes or a policy took, and waiting for ' +
  'pages on their way.';

/**
 * The whole study as text.
 *
 * @example
 * ```ts
 * import { policies, renderPlacement } from 'node-damon';
 *
 * console.log(renderPlacement(await policies({ policies: ['oracle'], seconds: 2 }), { width: 120 }));
 * ```
 */
export function renderPlacement(record: PlacementRecord, options: TerminalOptions = {}): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const width = clampWidth(options.width);
  const summaries = summarizePlacement(record);
  const { text, leftOut } = fittedTable(placementColumns(summaries), DISPENSABLE, options);
  const [head = '', ...aligned] = text.split('\n');
  const note = leftOut.length > 0 ? `${NOTE} Without room for ${leftOut.join(', ')}.` : NOTE;
  const body = summaries.flatMap(({ group }, i) => {
    const base = record.baselines[group] ?? '';
    const isFirst = group !== summaries[i - 1]?.group;
    const title = cut(`${group} (base: ${base})`, width);
    return [...(isFirst ? [chalk.bold(title)] : []), aligned[i] ?? ''];
  });
  const remarks = [
    ...summaries.flatMap(describeRemarks),
    ...comparePlacement(record).map(describeComparison),
  ].flatMap((line) => wrapText(line, width));
  return [
    [chalk.bold(record.title), ...wrapText(describeStudy(record), width)].join('\n'),
    wrap(record.machine, '; ', width).join('\n'),
    [head, ...body].join('\n'),
    ...(remarks.length > 0 ? [remarks.join('\n')] : []),
    chalk.dim(wrapText(note, width).join('\n')),
  ].join('\n\n');
}

/** The cells of all cases, by column. */
function placementColumns(summaries: readonly PlacementSummary[]): Column[] {
  const rows = summaries.map(placementCells);
  const names = summaries.map(({ name }) => cut(`  ${name}`, LABEL_WIDTH));
  return [
    { head: '', align: 'left', cells: names },
    ...PLACEMENT_HEAD.map((head, column) => ({
      head,
      align: 'right' as const,
      cells: rows.map((cells) => cells[column] ?? ''),
    })),
  ];
}

/** A row of either view, by {@link PLACEMENT_HEAD}. */
export function placementCells(summary: PlacementSummary): string[] {
  const { runs, opsHz, movedBytesPerSecond, overheadNsPerSecond } = summary;
  if (runs === 0) return PLACEMENT_HEAD.map((_, i) => (i === 0 ? 'not run' : ''));
  return [
    told(opsHz, ({ mean }) => formatRate(mean)),
    told(summary.opsPercent, (interval) => `${withInterval(interval, 1)} %`),
    told(summary.halfSeconds, ({ mean }) => formatDuration(mean)),
    told(summary.rampSeconds, ({ mean }) => formatDuration(mean)),
    told(summary.hotPercent, ({ mean }) => `${mean.toFixed(1)} %`),
    told(summary.hotStddev, ({ mean }) => mean.toFixed(2)),
    told(summary.freePercent, ({ mean }) => `${mean.toFixed(1)} %`),
    told(movedBytesPerSecond, ({ mean }) => formatBytes(mean)),
    told(overheadNsPerSecond, ({ mean }) => formatDuration(mean / 1e9)),
  ];
}

/** What the row of a case does not say: what a search ended at, and ramps that only some runs had. */
export function describeRemarks({
  name,
  group,
  runs,
  notReached,
  foundPercent,
}: PlacementSummary): string[] {
  const some = notReached > 0 && notReached < runs;
  return [
    ...(foundPercent ? [`${name}: ${withInterval(foundPercent, 1)} % on the fast node.`] : []),
    ...(some ? [`${name}, ${group}: a ramp in ${runs - notReached} of ${runs} runs.`] : []),
  ];
}

/** A case against the reference of its group, in a sentence; differences with 95 % intervals. */
export function describeComparison(comparison: PlacementComparison): string {
  const { name, group, reference, runs, reached, referenceReached } = comparison;
  const parts = [
    by(comparison.rampSeconds, 'ramp', 's', 1),
    by(comparison.hotStddev, 'stddev', 'pp', 2),
    by(comparison.opsPercent, 'throughput', '%', 1),
  ].filter((part) => part !== undefined);
  const all = reached === runs && referenceReached === runs;
  const there = `, a ramp in ${reached} of ${runs} runs against ${referenceReached}`;
  return `${name} against ${reference}, ${group}: ${parts.join(', ')}${all ? '' : there}.`;
}

function by(
  interval: MeanInterval | undefined,
  what: string,
  unit: string,
  digits: number,
): string | undefined {
  if (interval === undefined) return undefined;
  return `${what} ${withSign(interval, digits)} ${unit}`;
}

function told(interval: MeanInterval | undefined, how: (interval: MeanInterval) => string): string {
  return interval === undefined ? '–' : how(interval);
}
