/** `node-damon demo`: the RFC's closed loop on the emulated machine. */
import { type Command, Option } from 'commander';

import { refuse } from '../errors.ts';
import { TUNER_NAMES, type TunerName } from '../goal/tuner/tuners.ts';
import { type DemoOptions, demo } from '../job/demo.ts';
import { packageVersion } from '../native/binding.ts';
import { formatDuration, formatNumber } from '../report/format.ts';
import { renderHtml } from '../report/html.ts';
import type { DemoRecord } from '../report/record.ts';
import { renderBooks, renderConvergence, type TerminalOptions } from '../report/terminal.ts';
import {
  type CliContext,
  expectWritable,
  progressBar,
  rendering,
  write,
  writeWhole,
} from './output.ts';

interface Options {
  readonly target: string;
  readonly minutes: string;
  readonly seed: string;
  readonly tuner: TunerName;
  readonly json?: true;
  readonly html?: string;
}

const EXAMPLES = `
Examples:
  node-damon demo
  node-damon demo --target 70,30,90 --minutes 5 --html report.html
  node-damon demo --tuner consist --seed 7 --json
`;

/** Adds the command. */
export function addDemo(program: Command, context: CliContext): void {
  program
    .command('demo')
    .description('hold a share of hot memory on DRAM beside CXL, as the RFC does')
    .option('--target <percent,...>', 'shares to hold, one after the other in one run', '70')
    .option('--minutes <m>', 'simulated minutes for each target', '15')
    .option('--seed <s>', 'decides every random draw', '1')
    .addOption(
      new Option('--tuner <name>', 'quota goal tuner').choices(TUNER_NAMES).default('temporal'),
    )
    .option('--json', 'print the rows as one JSON object')
    .option('--html <file>', 'write a self-contained report')
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options) => runDemo(options, context));
}

async function runDemo(options: Options, { stdout, stderr, signal }: CliContext): Promise<void> {
  const bar = progressBar(stderr, 'demo');
  if (options.html !== undefined) await expectWritable(options.html);
  try {
    const record = await demo({ ...demoOptions(options), onProgress: bar.onProgress, signal });
    bar.stop();
    if (options.json) await write(stdout, `${JSON.stringify(toJson(record))}\n`);
    else await write(stdout, `${renderDemo(record, rendering(stdout))}\n`);
    if (options.html !== undefined) {
      const generatedBy = `node-damon ${packageVersion()}`;
      const title = 'PULL + PUSH on the emulated machine';
      await writeWhole(options.html, renderHtml({ title, generatedBy, demo: record }));
    }
  } finally {
    bar.stop();
  }
}

function demoOptions({ target, minutes, seed, tuner }: Options): DemoOptions {
  return {
    targets: target.split(',').map((text) => number(text.replace(/%$/, ''), '--target')),
    minutes: number(minutes, '--minutes'),
    seed: number(seed, '--seed'),
    tuner,
  };
}

function number(text: string, path: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  const expected = 'a number';
  throw refuse({ code: 'ERR_DAMON_USAGE_NUMBER', path, expected, received: text });
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
export function renderDemo(record: DemoRecord, options: TerminalOptions): string {
  const { rows, published, simulatedSeconds, wallSeconds, machine, books, tuner, seed } = record;
  const speed = `${formatNumber(simulatedSeconds / wallSeconds)} simulated seconds per second`;
  return [
    `PULL + PUSH, tuner ${tuner}, seed ${seed}: ${formatDuration(simulatedSeconds)} simulated in ` +
      `${formatDuration(wallSeconds)} (${speed})`,
    machine.join('; '),
    renderConvergence(rows, published, options),
    renderBooks(books, options),
  ].join('\n\n');
}
