/** A study as a table for a terminal: what held which share how well, with 95 % intervals. */
import { Chalk, type ChalkInstance } from 'chalk';

import { formatBytes, formatDuration, formatNumber, formatSigned } from './format.ts';
import type { MeanInterval } from './interval.ts';
import type { PublishedResult } from './record.ts';
import {
  type CaseSummary,
  type NodeSummary,
  type StudyRecord,
  type Versus,
  summarize,
} from './study.ts';
import {
  clampWidth,
  cut,
  hang,
  table,
  wrap,
  wrapText,
  type TerminalOptions,
} from './terminal-text.ts';

const HEAD = ['', 'mean', 'offset', 'stddev', 'ramp', 'over/true', 'moved/s'];
const ALIGNS = ['left', 'right', 'right', 'right', 'right', 'right', 'right'] as const;
const LABEL_WIDTH = 22;
const NOTE =
  'Means over the seeds, with 95 % intervals where there are several: percent, and points for ' +
  'offset, stddev, overshoot. ' +
  'A ramp ends one size quota from the target; behind the slash stands the least that the size quotas ' +
  'allow without moving anything twice. Over: the largest overshoot of any run as the metric reads it; ' +
  'behind the slash of what really lay there.';

/**
 * The whole study as text.
 *
 * @example
 * ```ts
 * import { renderStudy, shares } from 'node-damon';
 *
 * const record = await shares({ weights: [7, 3], minutes: 0.05, seeds: 2 });
 * console.log(renderStudy(record, { width: 120 }));
 * ```
 */
export function renderStudy(record: StudyRecord, options: TerminalOptions = {}): string {
  const chalk = new Chalk({ level: options.colorLevel ?? 0 });
  const width = clampWidth(options.width);
  const lines = groups(summarize(record.cases)).flatMap(groupLines);
  const rows = lines.filter((line) => typeof line !== 'string');
  // Headings and sentences stand between the rows, and must not widen a column.
  const [head = '', ...aligned] = table(HEAD, rows, ALIGNS, chalk).split('\n');
  const body = lines.flatMap((line) =>
    typeof line === 'string' ? sentence(line, width, chalk) : (aligned.shift() ?? ''),
  );
  return [
    [chalk.bold(record.title), ...wrapText(describeStudy(record), width)].join('\n'),
    wrap(record.machine, '; ', width).join('\n'),
    [head, ...body].join('\n'),
    chalk.dim(wrapText(NOTE, width).join('\n')),
  ].join('\n\n');
}

/** Names of cases stand out; what is said about them stands back, indented. */
function sentence(line: string, width: number, chalk: ChalkInstance): string[] {
  if (!line.startsWith(' ')) return [chalk.bold(cut(line, width))];
  const wrapped = wrapText(line.trim(), width - 4);
  return hang(wrapped, '  ', 4).map((each) => chalk.dim(each));
}

/** How much was run, and how fast. */
export function describeStudy(record: Omit<StudyRecord, 'title' | 'machine' | 'cases'>): string {
  const { seeds, runsDone, runsPlanned, simulatedSeconds, wallSeconds, workers } = record;
  const [first = 0, last = first] = [seeds[0], seeds.at(-1)];
  const which = seeds.length === 1 ? `seed ${first}` : `seeds ${first} to ${last}`;
  const count = runsDone === runsPlanned ? `${runsDone}` : `${runsDone} of ${runsPlanned}`;
  const runs = `${count} ${runsPlanned === 1 ? 'run' : 'runs'}`;
  const threads = `${workers} ${workers === 1 ? 'thread' : 'threads'}`;
  return (
    `${which}, ${runs}: ${formatDuration(simulatedSeconds)} simulated in ` +
    `${formatDuration(wallSeconds)} on ${threads} ` +
    `(${formatNumber(simulatedSeconds / wallSeconds)} simulated seconds per second)`
  );
}

/** Case against case, in words. */
export function describeVersus(controller: string, against: Versus): string {
  const { movedRatio, stddevLess } = against;
  const parts = [
    movedRatio && `moves ${ratio(movedRatio)} the bytes`,
    stddevLess && `stddev ${withSign(stddevLess)} points`,
  ].filter((part) => part !== undefined);
  return `${controller} against ${against.controller}: ${parts.join(', ')}`;
}

/** A mean and its interval: `69.73 ±0.12`. */
export function withInterval(interval: MeanInterval, digits = 2): string {
  return `${interval.mean.toFixed(digits)}${plusMinus(interval, digits)}`;
}

/** A difference and its interval: `+0.73 ±0.12`. */
export function withSign(interval: MeanInterval, digits = 2): string {
  return `${formatSigned(interval.mean, digits)}${plusMinus(interval, digits)}`;
}

function plusMinus({ halfWidth }: MeanInterval, digits = 2): string {
  return halfWidth === null ? '' : ` ±${halfWidth.toFixed(digits)}`;
}

/** A ratio in percent, or, of a multiple, in times. */
function ratio({ mean, halfWidth }: MeanInterval): string {
  const isMultiple = mean >= 10;
  const scale = isMultiple ? 1 : 100;
  const width = halfWidth === null ? '' : ` ±${(halfWidth * scale).toFixed(2)}`;
  return `${formatNumber(mean * scale)}${width} ${isMultiple ? 'times' : '% of'}`;
}

/** Cases of one name stand together. */
function groups(summaries: readonly CaseSummary[]): CaseSummary[][] {
  const names = [...new Set(summaries.map(({ name }) => name))];
  return names.map((name) => summaries.filter((summary) => summary.name === name));
}

/** Texts are lines of their own. */
function groupLines(group: readonly CaseSummary[]): (string | string[])[] {
  const published = group[0]?.published;
  return [
    group[0]?.name ?? '',
    ...group.flatMap(caseRows),
    ...(published ? [publishedCells(published)] : []),
    ...group.flatMap(({ controller, versus }) =>
      versus ? [`  ${describeVersus(controller, versus)}`] : [],
    ),
  ];
}

function publishedCells({ target, mean, stddev }: PublishedResult): string[] {
  const offset = formatSigned(mean - target);
  return ['  published', mean.toFixed(2), offset, stddev.toFixed(2), '–', '–', '–'];
}

function caseRows(summary: CaseSummary): (string | string[])[] {
  const { controller, nodes, runs, notReached } = summary;
  if (runs === 0) return [`  ${controller}: not run`];
  const missing = notReached === 0 ? [] : [`  ${controller}: ${notReached} of ${runs} not reached`];
  const rows = nodes.map((node, i) => [
    cut(`  ${nodes.length === 1 ? controller : `${node.name}, ${controller}`}`, LABEL_WIDTH),
    withInterval(node.mean),
    formatSigned(node.offset.mean),
    node.stddev?.mean.toFixed(2) ?? '–',
    i === 0 ? ramp(summary) : '',
    overshoot(node),
    i === 0 && summary.movedPerSecond ? formatBytes(summary.movedPerSecond.mean) : '',
  ]);
  return [...rows, ...missing];
}

/** As the metric reads it, and of the memory itself. */
export function overshoot({ overshootMax, trueOvershootMax }: NodeSummary): string {
  return `${overshootMax.toFixed(2)}/${trueOvershootMax.toFixed(2)}`;
}

function ramp({ rampSeconds, leastRampSeconds }: CaseSummary): string {
  if (rampSeconds === undefined || leastRampSeconds === undefined) return '–';
  return `${formatNumber(rampSeconds.mean)}/${formatNumber(leastRampSeconds.mean)} s`;
}
