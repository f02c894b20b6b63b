/** A placement study as a table for a terminal: who placed pages how well, with 95 % intervals. */
import { Chalk } from 'chalk';

import { formatBytes, formatDuration, formatRate } from './format.ts';
import type { MeanInterval } from './interval.ts';
import { type PlacementRecord, type PlacementSummary, summarizePlacement } from './placement.ts';
import { describeStudy, withInterval } from './terminal-study.ts';
import { type TerminalOptions, clampWidth, cut, table, wrap } from './terminal-text.ts';

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
const ALIGNS = ['left', ...PLACEMENT_HEAD.map(() => 'right' as const)] as const;
const LABEL_WIDTH = 20;
const NOTE =
  'Means over the seeds, with 95 % intervals where there are several. Ops of the workload, and ' +
  'what they are of those of the base; time until half of the hot memory was on the fast node ' +
  '(lag), and 90 % (ramp); how much is there later, and how that goes up and down; what is free ' +
  'there; what moved; CPU time of sampler and policy per second.';

/** The whole study as text. */
export function renderPlacement(record: PlacementRecord, options: TerminalOptions = {}): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const width = clampWidth(options.width);
  const summaries = summarizePlacement(record);
  const rows = summaries.map((summary) => [
    cut(`  ${summary.name}`, LABEL_WIDTH),
    ...placementCells(summary),
  ]);
  const [head = '', ...aligned] = table(['', ...PLACEMENT_HEAD], rows, ALIGNS, chalk).split('\n');
  const body = summaries.flatMap(({ group }, i) => {
    const base = record.baselines[group] ?? '';
    const isFirst = group !== summaries[i - 1]?.group;
    const title = cut(`${group} (base: ${base})`, width);
    return [...(isFirst ? [chalk.bold(title)] : []), aligned[i] ?? ''];
  });
  const found = summaries.map(describeFound).filter((line) => line !== undefined);
  return [
    [chalk.bold(record.title), ...wrap(describeStudy(record).split(' '), ' ', width)].join('\n'),
    wrap(record.machine, '; ', width).join('\n'),
    [head, ...body].join('\n'),
    ...found,
    chalk.dim(wrap(NOTE.split(' '), ' ', width).join('\n')),
  ].join('\n\n');
}

/** A row of either view, by {@link PLACEMENT_HEAD}. */
export function placementCells(summary: PlacementSummary): string[] {
  const { runs, notReached, opsHz, movedBytesPerSecond, overheadNsPerSecond } = summary;
  if (runs === 0) return PLACEMENT_HEAD.map((_, i) => (i === 0 ? 'not run' : ''));
  const never = notReached > 0 ? ` (${runs - notReached} of ${runs})` : '';
  return [
    told(opsHz, ({ mean }) => formatRate(mean)),
    told(summary.opsPercent, (interval) => `${withInterval(interval, 1)} %`),
    told(summary.halfSeconds, ({ mean }) => formatDuration(mean)),
    told(summary.rampSeconds, ({ mean }) => `${formatDuration(mean)}${never}`),
    told(summary.hotPercent, (interval) => `${withInterval(interval, 1)} %`),
    told(summary.hotStddev, ({ mean }) => mean.toFixed(2)),
    told(summary.freePercent, ({ mean }) => `${mean.toFixed(1)} %`),
    told(movedBytesPerSecond, ({ mean }) => formatBytes(mean)),
    told(overheadNsPerSecond, ({ mean }) => formatDuration(mean / 1e9)),
  ];
}

/** What a search ended at. */
export function describeFound({ name, foundPercent }: PlacementSummary): string | undefined {
  if (foundPercent === undefined) return undefined;
  return `${name}: ${withInterval(foundPercent, 1)} % on the fast node`;
}

function told(interval: MeanInterval | undefined, how: (interval: MeanInterval) => string): string {
  return interval === undefined ? '–' : how(interval);
}
