/** `node-damon replay`: a recording through the whole monitor. */
import { basename } from 'node:path';

import { type Command, Option } from 'commander';

import { type ReplayOptions, replay } from '../job/replay.ts';
import { packageVersion } from '../native/binding.ts';
import { formatCount, formatDuration } from '../report/format.ts';
import { renderHtml } from '../report/html.ts';
import type { ReplayRecord } from '../report/record.ts';
import {
  renderBooks,
  renderHeatmap,
  renderHotRanges,
  renderWorkingSet,
} from '../report/terminal.ts';
import { readMachineFile } from '../trace/recording.ts';
import type { RangeOptions } from '../monitor/memory.ts';
import { refuse } from '../errors.ts';
import { type ReportOptions, explainingLines, renderExplained } from './explain.ts';
import { duration, number } from './number.ts';
import {
  type CliContext,
  expectWritable,
  progressBar,
  rendering,
  write,
  writeWhole,
} from './output.ts';

interface Options {
  readonly every: string;
  readonly region?: string;
  readonly machine?: string;
  readonly badRows: 'stop' | 'count';
  readonly cpus?: string;
  readonly explain?: true;
  readonly json?: true;
  readonly html?: string;
}

const EXAMPLES = `
Examples:
  node-damon replay redis-linux-6.12.samples.csv.zst
  node-damon replay recording.csv --every 100ms --json | jq -c 'select(.type == "summary")'
  node-damon replay recording.csv --region 0x40000000-0x80000000 --bad-rows count --html report.html
`;

/** Adds the command. */
export function addReplay(program: Command, context: CliContext): void {
  program
    .command('replay')
    .description('replay a recording of accesses and report what was hot, where and when')
    .argument('<file>', 'recording in the samples format, plain or zstd')
    .option('--every <duration>', 'time between snapshots, such as 1s or 100ms', '1s')
    .option('--region <start-end,...>', 'memory to monitor (default: what the recording touches)')
    .option('--machine <file>', 'description of the nodes (default: FILE.machine.json, if any)')
    .addOption(
      new Option('--bad-rows <verdict>', 'what a bad row does: end the replay, or be counted')
        .choices(['stop', 'count'])
        .default('stop'),
    )
    .option('--cpus <n>', 'CPU numbers must be below (default: 8192)')
    .option('--explain', 'tell what became of every region, round by round')
    .option('--json', 'print snapshots, with --explain rounds, and a summary as NDJSON')
    .option('--html <file>', 'write a self-contained report')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: Options) => runReplay(file, options, context));
}

async function runReplay(file: string, options: Options, context: CliContext): Promise<void> {
  const { stdout, stderr, signal } = context;
  const bar = progressBar(stderr, 'replay');
  const print = rendering(stdout);
  if (options.html !== undefined) await expectWritable(options.html);
  try {
    const record = await replay({
      ...replayOptions(file, options),
      onProgress: bar.onProgress,
      signal,
      ...(options.json && options.explain && { onRounds: explainingLines(stdout).onRounds }),
      ...(options.json && {
        onSnapshot: async (snapshot) => write(stdout, `${snapshot.toNdjson()}\n`),
      }),
      onFailure: (books) => {
        bar.stop();
        if (signal.aborted) return;
        const text = options.json
          ? JSON.stringify({ type: 'books', books: books.counters })
          : renderBooks(books, rendering(stderr));
        stderr.write(`${text}\n`);
      },
    });
    bar.stop();
    if (options.json) await write(stdout, `${summary(record)}\n`);
    else await write(stdout, `${renderReplay(record, { ...print, explain: options.explain })}\n`);
    if (options.html !== undefined) {
      const title = `Replay of ${basename(file)}`;
      const generatedBy = `node-damon ${packageVersion()}`;
      await writeWhole(options.html, renderHtml({ title, generatedBy, replay: record }));
    }
  } finally {
    bar.stop();
  }
}

function replayOptions(file: string, options: Options): ReplayOptions {
  return {
    path: file,
    everyMs: duration(options.every, '--every'),
    nodes: readMachineFile(file, options.machine),
    regions: options.region?.split(',').map(parseRange) ?? [],
    badRows: options.badRows,
    ...(options.cpus !== undefined && { cpus: number(options.cpus, '--cpus') }),
  };
}

function parseRange(text: string): RangeOptions {
  const [start = '', end = '', ...rest] = text.split('-');
  if (rest.length === 0 && start !== '' && end !== '') return { start, end };
  throw refuse({
    code: 'ERR_DAMON_USAGE_REGION',
    path: '--region',
    expected: 'START-END,…, such as 0x40000000-0x80000000 or 1GiB-2GiB',
    received: text,
  });
}

function summary({ books, durationMs, samplesPerSecond }: ReplayRecord): string {
  return JSON.stringify({ type: 'summary', books: books.counters, durationMs, samplesPerSecond });
}

/** What a tiering engineer wants to know, as text. */
export function renderReplay(record: ReplayRecord, { explain, ...options }: ReportOptions): string {
  const { nodes, heatmap, books } = record;
  const seconds = Number(record.endNs - record.startNs) / 1e9;
  const rate = `${formatCount(Math.round(record.samplesPerSecond))} samples/s`;
  return [
    `Replayed ${record.source}: ${formatDuration(seconds)} of accesses in ` +
      `${formatDuration(record.durationMs / 1_000)} (${rate})`,
    renderHotRanges(record.hotRanges, options),
    renderWorkingSet(record.workingSet, options),
    renderHeatmap(heatmap, { ...options, nodes }),
    ...(explain ? [renderExplained(record, options)] : []),
    renderBooks(books, options),
  ].join('\n\n');
}
