/** Why schemes did what they did, as text: what became of the regions, and each stretch of windows. */
import { Chalk } from 'chalk';

import {
  NO_ROUND,
  OUTCOMES,
  type Stretch,
  type StretchSeries,
  mainObstacle,
  meanScoreBp,
  schemesOf,
  walked,
} from './explanation.ts';
import { formatBytes, formatCount, formatDuration, formatReading, formatShare } from './format.ts';
import {
  type TerminalOptions,
  clampWidth,
  fittedTable,
  printable,
  table,
  wrapText,
} from './terminal-text.ts';

/** What is explained, and how it is shown. */
export interface TerminalExplanationOptions extends TerminalOptions {
  /** Names of the schemes, by index. */
  readonly names: readonly string[];
  /** Start of monitoring, on the source's clock. */
  readonly startNs: bigint;
  /** Rounds that had to make room before they could be explained. @default 0 */
  readonly roundsDropped?: number;
}

/** Stretches that are shown of a scheme: neighbours are summed up where there are more. */
const SHOWN = 16;

/**
 * What each scheme did and why no more.
 *
 * @example
 * ```ts
 * import { loadConfig, renderExplanation, runConfig } from 'node-damon';
 *
 * const config = { ...(await loadConfig('pull-push.yaml')), untilMs: '3 s', changes: [] };
 * const { explanation, schemes: names, startNs } = await runConfig(config);
 * console.log(renderExplanation(explanation, { names, startNs }));
 * ```
 */
export function renderExplanation(
  series: StretchSeries,
  options: TerminalExplanationOptions,
): string {
  const { names, colorLevel = 0, roundsDropped = 0 } = options;
  const chalk = new Chalk({ level: colorLevel });
  const parts = schemesOf(series, names).map((scheme) => {
    const name = printable(names[scheme] ?? `scheme ${scheme}`);
    return `${chalk.bold(`Why: ${name}`)}\n${renderScheme(series, scheme, options)}`;
  });
  if (parts.length === 0) return `${chalk.bold('Why')}\n${chalk.dim('There was no scheme.')}`;
  if (roundsDropped > 0) {
    parts.push(
      chalk.dim(`${formatCount(roundsDropped)} rounds had to make room and are not told.`),
    );
  }
  return parts.join('\n\n');
}

function renderScheme(
  series: StretchSeries,
  scheme: number,
  options: TerminalExplanationOptions,
): string {
  const { startNs, width, colorLevel = 0 } = options;
  const chalk = new Chalk({ level: colorLevel });
  const total = series.total(scheme);
  if (total === undefined) return chalk.dim(NO_ROUND);
  const stretches = series.of(scheme, SHOWN);
  const columns = STRETCH_COLUMNS.map(({ head, cell }) => ({
    head,
    align: head === 'then waited' ? ('left' as const) : ('right' as const),
    cells: stretches.map((stretch) => cell(stretch, startNs)),
  }));
  return [
    table(['regions', 'times', 'bytes', 'of all'], outcomeRows(total), OUTCOME_ALIGNS, chalk),
    '',
    fittedTable(columns, DISPENSABLE, options).text,
    ...failureLines(total, clampWidth(width)).map((line) => chalk.red(line)),
  ].join('\n');
}

const OUTCOME_ALIGNS = ['left', 'right', 'right', 'right'] as const;

/** Every outcome, and their sum: all regions that the scheme came to. */
function outcomeRows(total: Stretch): string[][] {
  const all = walked(total);
  const rows = OUTCOMES.map(({ key, title }) => ({ title, share: total[key] }));
  return [...rows.filter(({ share }) => share.regions > 0), { title: 'all', share: all }].map(
    ({ title, share: { regions, bytes } }) => [
      title,
      formatCount(regions),
      formatBytes(bytes),
      formatShare(all.bytes > 0 ? bytes / all.bytes : 0),
    ],
  );
}

const STRETCH_COLUMNS: readonly {
  head: string;
  cell: (stretch: Stretch, startNs: bigint) => string;
}[] = [
  { head: 'from', cell: ({ fromNs }, startNs) => formatDuration(Number(fromNs - startNs) / 1e9) },
  { head: 'windows', cell: ({ windows }) => formatCount(windows) },
  { head: 'measured', cell: ({ goals }) => goals.map(formatReading).join(', ') || '–' },
  { head: 'score', cell: scoreCell },
  {
    head: 'allowed',
    cell: ({ allowedBytes }) =>
      allowedBytes === undefined ? 'no limit' : formatBytes(allowedBytes),
  },
  { head: 'tried', cell: ({ tried }) => formatBytes(tried.bytes) },
  { head: 'applied', cell: ({ applied }) => formatBytes(applied.bytes) },
  { head: 'then waited', cell: obstacleCell },
];
/** What a narrow terminal does without, first to last. */
const DISPENSABLE: readonly string[] = ['windows', 'score'];

function scoreCell(stretch: Stretch): string {
  const score = meanScoreBp(stretch);
  return score === undefined ? '–' : formatShare(score / 10_000);
}

function obstacleCell(stretch: Stretch): string {
  const obstacle = mainObstacle(stretch);
  return obstacle ? `${obstacle.title} ${formatBytes(obstacle.bytes)}` : '–';
}

function failureLines({ failures, failure }: Stretch, width: number): string[] {
  if (failure === undefined) return [];
  const times = failures === 1 ? 'once' : `${formatCount(failures)} times`;
  const text = `No answer ${times}, the quota stayed as it was: ${printable(failure.message)}`;
  return wrapText(text, width);
}
