/** What the commands that run a study have in common: their options, and where the result goes. */
import { type Command, Option } from 'commander';

import { DamonError, refuse } from '../errors.ts';
import type { Progress } from '../kdamond.ts';
import { CONTROLLERS, type Controller } from '../job/study/loop.ts';
import { packageVersion } from '../native/binding.ts';
import { type HtmlReport, renderHtml } from '../report/html.ts';
import { type PlacementRecord, comparePlacement, summarizePlacement } from '../report/placement.ts';
import { type StudyCase, type StudyRecord, summarize } from '../report/study.ts';
import { renderPlacement } from '../report/terminal-placement.ts';
import { renderStudy } from '../report/terminal-study.ts';
import type { TerminalOptions } from '../report/terminal-text.ts';
import { didYouMean, either } from '../validate.ts';
import { number } from './number.ts';
import {
  type CliContext,
  expectWritable,
  progressBar,
  rendering,
  write,
  writeWhole,
} from './output.ts';

/** The options of {@link studyOptions}, as commander gives them. */
export interface StudyFlags {
  readonly seed: string;
  readonly seeds: string;
  readonly workers?: string;
  readonly json?: true;
  readonly html?: string;
}

/** {@link StudyFlags}, read, and how the study is watched and ended. */
export interface StudyHow {
  readonly seed: number;
  readonly seeds: number;
  readonly workers?: number;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** Adds the options. */
export function studyOptions(command: Command): Command {
  return command
    .option('--seeds <n>', 'runs of each case, each with a seed of its own', '1')
    .option('--seed <s>', 'the first seed: decides every random draw', '1')
    .addOption(new Option('--workers <n>', 'threads (default: one for each core)'))
    .option('--json', 'print the result as one JSON object')
    .option('--html <file>', 'write a self-contained report');
}

/** How a study's result is shown. */
interface StudyViews<Result> {
  readonly text: (result: Result, options: TerminalOptions) => string;
  /** What is printed as JSON. */
  readonly json: (result: Result) => object;
  /** As a part of a page. */
  readonly part: (result: Result) => Pick<HtmlReport, 'study' | 'placement'>;
}

const LOOPS: StudyViews<StudyRecord> = {
  text: renderStudy,
  json: toJson,
  part: (study) => ({ study }),
};

const PLACEMENTS: StudyViews<PlacementRecord> = {
  text: renderPlacement,
  json: placementJson,
  part: (placement) => ({ placement }),
};

/** Runs a study of loops and writes its result, or, on Ctrl-C, what is done of it. */
export async function runStudy(
  title: string,
  flags: StudyFlags,
  context: CliContext,
  job: (how: StudyHow) => Promise<StudyRecord>,
): Promise<void> {
  return runAndShow(title, flags, context, { job, views: LOOPS });
}

/** {@link runStudy} of who places pages. */
export async function runPlacementStudy(
  title: string,
  flags: StudyFlags,
  context: CliContext,
  job: (how: StudyHow) => Promise<PlacementRecord>,
): Promise<void> {
  return runAndShow(title, flags, context, { job, views: PLACEMENTS });
}

async function runAndShow<Result extends { readonly title: string; readonly runsDone: number }>(
  title: string,
  { seed, seeds, workers, json, html }: StudyFlags,
  { stdout, stderr, signal }: CliContext,
  { job, views }: { job: (how: StudyHow) => Promise<Result>; views: StudyViews<Result> },
): Promise<void> {
  const how = {
    seed: number(seed, '--seed'),
    seeds: number(seeds, '--seeds'),
    ...(workers !== undefined && { workers: number(workers, '--workers') }),
  };
  if (html !== undefined) await expectWritable(html);
  const bar = progressBar(stderr, title);
  try {
    const record = await job({ ...how, onProgress: bar.onProgress, signal }).catch(
      (error: unknown) => {
        throw flagged(error);
      },
    );
    bar.stop();
    if (record.runsDone === 0) signal.throwIfAborted();
    const text = json ? JSON.stringify(views.json(record)) : views.text(record, rendering(stdout));
    await write(stdout, `${text}\n`);
    if (html === undefined) return;
    const generatedBy = `node-damon ${packageVersion()}`;
    await writeWhole(html, renderHtml({ title: record.title, generatedBy, ...views.part(record) }));
  } finally {
    bar.stop();
  }
}

/** Summaries in place of the series they were made from. */
function placementJson(record: PlacementRecord): object {
  const summaries = summarizePlacement(record);
  return {
    ...record,
    comparisons: comparePlacement(record),
    cases: record.cases.map(({ runs }, i) => ({
      summary: summaries[i],
      runs: runs.map(
        ({
          hotPercent: _hot,
          freePercent: _free,
          opsHz: _ops,
          movedBytes: _moved,
          overheadNs: _overhead,
          ...run
        }) => run,
      ),
    })),
  };
}

/** Summaries in place of the series they were made from. */
function toJson({ cases, ...record }: StudyRecord): object {
  const summaries = summarize(cases);
  return {
    ...record,
    cases: cases.map((one, i) => ({ summary: summaries[i], runs: runsOf(one) })),
  };
}

/** Each run without its series. */
function runsOf({ runs }: StudyCase): object[] {
  return runs.map(({ shares: _s, trueShares: _t, movedBytes: _m, ...run }) => run);
}

/**
 * Reads names, parted by commas.
 *
 * @throws DamonError `ERR_DAMON_USAGE_NAME`, or another code, for another than those that are known
 */
export function names<Name extends string>(
  option: string,
  text: string,
  known: readonly Name[],
  code = 'ERR_DAMON_USAGE_NAME',
): Name[] {
  const words = text.split(',').map((word) => word.trim());
  return words.map((word, i) => {
    const found = known.find((name) => name === word);
    if (found !== undefined && words.indexOf(word) < i) {
      throw refuse({ code, path: option, expected: 'each name once', received: word });
    }
    if (found !== undefined) return found;
    const expected = `a list of ${either(known)}`;
    const hint = didYouMean(word, known);
    throw refuse({ code, path: option, expected, received: word, hint });
  });
}

/** Reads names of controllers, parted by commas. */
export function controllers(text: string): Controller[] {
  return names('--tuner', text, CONTROLLERS, 'ERR_DAMON_USAGE_TUNER');
}

/** What `--tuner` may be. */
export const TUNERS: string = `of ${CONTROLLERS.join(', ')}`;

/** Options of the library that are options of a command, by the name they have there. */
const FLAGS: Readonly<Record<string, string>> = {
  minutes: '--minutes',
  searchSeconds: '--search-seconds',
  seconds: '--seconds',
  seed: '--seed',
  seeds: '--seeds',
  target: '--target',
  targets: '--target',
  weights: '--weights',
  workers: '--workers',
};

/** The same refusal, of the option of the command. */
export function flagged(error: unknown): unknown {
  if (!(error instanceof DamonError)) return error;
  const { code, path = '', expected, received, hint } = error;
  const flag = FLAGS[path.replace(/\[\d+\]$/, '')];
  if (flag === undefined || expected === undefined) return error;
  return refuse({ code, path: flag, expected, received, hint });
}
