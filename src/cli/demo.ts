/** `node-damon demo`: the RFC's closed loop on the emulated machine. */
import type { Command } from 'commander';

import { refuse } from '../errors.ts';
import { TUNER_NAMES } from '../goal/tuner/tuners.ts';
import { type DemoOptions, demo } from '../job/demo.ts';
import { demoRows } from '../job/study/rows.ts';
import { packageVersion } from '../native/binding.ts';
import { formatDuration, formatNumber } from '../report/format.ts';
import { renderHtml } from '../report/html.ts';
import type { DemoRecord } from '../report/record.ts';
import { renderBooks, renderConvergence } from '../report/terminal.ts';
import { clampWidth, wrap, wrapText } from '../report/terminal-text.ts';
import { either } from '../validate.ts';
import { duration, number } from './number.ts';
import {
  type CliContext,
  expectWritable,
  progressBar,
  rendering,
  write,
  writeWhole,
} from './output.ts';
import { type ReportOptions, explainingLines, renderExplained } from './explain.ts';
import { type StudyFlags, TUNERS, controllers, flagged, runStudy, studyOptions } from './study.ts';

interface Flags extends StudyFlags {
  readonly target?: string;
  readonly minutes?: string;
  readonly tuner: string;
  readonly aggregation?: string;
  readonly explain?: true;
}

const EXAMPLES = `
Examples:
  node-damon demo
  node-damon demo --seeds 20 --tuner temporal,proportional --html report.html
  node-damon demo --seeds 20 --tuner temporal,proportional --aggregation 100ms
  node-damon demo --target 70,30,90 --minutes 5 --html report.html
  node-damon demo --target 70 --tuner consist --seed 7 --json

Without --target: the four rows of the RFC's table, each run with every seed, on all cores. With it:
one run, looked at closely, whose targets follow each other as live changes.
`;

/** Adds the command. */
export function addDemo(program: Command, context: CliContext): void {
  const command = program
    .command('demo')
    .description('hold a share of hot memory on DRAM beside CXL, as the RFC does')
    .option('--target <percent,...>', "shares to hold in one run (default: the RFC's four rows)")
    .option('--explain', 'with --target, tell why each scheme did what it did and not more')
    .option('--minutes <m>', 'simulated minutes for each target (default: 30, with --target 15)')
    .option(
      '--tuner <name,...>',
      `who decides how much moves, compared with the first: ${TUNERS}`,
      'temporal',
    )
    .option(
      '--aggregation <time>',
      'aggregation interval, without --target (default: 100 ms, but 200 ms under proportional and user_input)',
    );
  studyOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) =>
      flags.target === undefined ? runRows(flags, context) : runDemo(flags, context),
    );
}

async function runRows(
  { tuner, minutes, aggregation, explain, ...flags }: Flags,
  context: CliContext,
): Promise<void> {
  if (explain) {
    const expected = 'given with --explain: it is about one run';
    const code = 'ERR_DAMON_USAGE_TARGET';
    throw refuse({ code, path: '--target', expected, received: undefined });
  }
  const options = {
    controllers: controllers(tuner),
    ...(minutes !== undefined && { minutes: number(minutes, '--minutes') }),
    ...(aggregation !== undefined && {
      attrs: { aggregationUs: duration(aggregation, '--aggregation', 'us') },
    }),
  };
  await runStudy('demo', flags, context, (how) => demoRows({ ...how, ...options }));
}

async function runDemo(flags: Flags, { stdout, stderr, signal }: CliContext): Promise<void> {
  const options = demoOptions(flags);
  const { json, html, explain } = flags;
  if (html !== undefined) await expectWritable(html);
  const bar = progressBar(stderr, 'demo');
  try {
    const record = await demo({
      ...options,
      ...(json && explain && explainingLines(stdout)),
      onProgress: bar.onProgress,
      signal,
    }).catch((error: unknown) => {
      throw flagged(error);
    });
    bar.stop();
    if (json) await write(stdout, `${JSON.stringify(toJson(record))}\n`);
    else await write(stdout, `${renderDemo(record, { ...rendering(stdout), explain })}\n`);
    if (html === undefined) return;
    const generatedBy = `node-damon ${packageVersion()}`;
    const title = 'PULL + PUSH on the emulated machine';
    await writeWhole(html, renderHtml({ title, generatedBy, demo: record }));
  } finally {
    bar.stop();
  }
}

function demoOptions(flags: Flags): DemoOptions {
  const { target = '', minutes, seed, seeds, workers, tuner, aggregation } = flags;
  const found = TUNER_NAMES.find((name) => name === tuner);
  if (found === undefined) {
    const expected = `${either(TUNER_NAMES)} where --target is given`;
    throw refuse({ code: 'ERR_DAMON_USAGE_TUNER', path: '--tuner', expected, received: tuner });
  }
  if (number(seeds, '--seeds') !== 1 || workers !== undefined) {
    throw refuse({
      code: 'ERR_DAMON_USAGE_TARGET',
      path: '--target',
      expected: 'absent with --seeds or --workers: it is one run',
      received: target,
    });
  }
  if (aggregation !== undefined) {
    const expected = 'absent with --target';
    const code = 'ERR_DAMON_USAGE_TARGET';
    throw refuse({ code, path: '--aggregation', expected, received: aggregation });
  }
  return {
    targets: target.split(',').map((text) => number(text.replace(/%$/, ''), '--target')),
    ...(minutes !== undefined && { minutes: number(minutes, '--minutes') }),
    seed: number(seed, '--seed'),
    tuner: found,
  };
}

function toJson(record: DemoRecord): object {
  const { rows, seed, tuner, simulatedSeconds, wallSeconds, trueShare, books } = record;
  return {
    rows: rows.map(({ fromSecond, toSecond, ...row }) => {
      const settled = trueShare.subarray(fromSecond + (row.rampSeconds ?? 0), toSecond);
      const trueMean =
        row.mean === null ? null : settled.reduce((a, b) => a + b, 0) / settled.length;
      return Object.assign(row, { trueMean });
    }),
    seed,
    tuner,
    simulatedSeconds,
    wallSeconds,
    books: books.counters,
  };
}

/** The convergence table and what it rests on, as text. */
export function renderDemo(record: DemoRecord, { explain, ...options }: ReportOptions): string {
  const { rows, published, simulatedSeconds, wallSeconds, machine, books, tuner, seed } = record;
  const speed = `${formatNumber(simulatedSeconds / wallSeconds)} simulated seconds per second`;
  const what =
    `PULL + PUSH, tuner ${tuner}, seed ${seed}: ${formatDuration(simulatedSeconds)} simulated in ` +
    `${formatDuration(wallSeconds)} (${speed})`;
  const width = clampWidth(options.width);
  return [
    wrapText(what, width).join('\n'),
    wrap(machine, '; ', width).join('\n'),
    renderConvergence(rows, published, options),
    ...(explain ? [renderExplained(record, options)] : []),
    renderBooks(books, options),
  ].join('\n\n');
}
