/** `node-damon run` and `node-damon check`: a configuration file, run or read aloud. */
import { basename } from 'node:path';

import type { Command } from 'commander';

import type { RunConfig } from '../config/config.ts';
import {
  type ConfigFile,
  checkConfig,
  configOf,
  readConfigFile,
  refusalsOf,
} from '../config/file.ts';
import { type Watched, watchFile } from '../config/watch.ts';
import { DamonError, withDetails } from '../errors.ts';
import { type RunHandle, type RunHooks, runConfig, tryRun } from '../job/run.ts';
import { packageVersion } from '../native/binding.ts';
import { describeEvent } from '../report/event.ts';
import { formatDuration } from '../report/format.ts';
import { renderHtml } from '../report/html.ts';
import type { RunRecord } from '../report/record.ts';
import {
  type TerminalOptions,
  renderBooks,
  renderHeatmap,
  renderHotRanges,
  renderWorkingSet,
} from '../report/terminal.ts';
import { quantity } from '../units.ts';
import { renderError, renderErrorJson } from './exit.ts';
import { duration } from './number.ts';
import { explainingLines, renderExplained, toJson } from './explain.ts';
import {
  type CliContext,
  expectWritable,
  progressBar,
  rendering,
  write,
  writeWhole,
  WholeFile,
  type Output,
} from './output.ts';

interface Options {
  readonly until?: string;
  readonly explain?: true;
  readonly reload?: true;
  readonly json?: true;
  readonly html?: string;
}

const EXAMPLES = `
Examples:
  node-damon run pull-push.yaml --explain
  node-damon run pull-push.yaml --until "30 s" --json | jq -c 'select(.type == "summary")'
  node-damon run pull-push.yaml --reload --html report.html
`;

/** Adds the command `run`. */
export function addRun(program: Command, context: CliContext): void {
  program
    .command('run')
    .description('run a configuration file: what to monitor, what to do, what changes on the way')
    .argument('<config>', 'file of YAML or JSON, or a module whose default export is one')
    .option('--until <duration>', 'length of the run, instead of what the file says')
    .option('--explain', 'tell why each scheme did what it did and not more')
    .option('--reload', 'commit the file again whenever it changes')
    .option('--json', 'print snapshots, with --explain tunings and rounds, and a summary as NDJSON')
    .option('--html <file>', 'write a self-contained report, instead of where the file says')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: Options) => runFile(file, options, context));
}

/** Adds the command `check`. */
export function addCheck(program: Command, context: CliContext): void {
  program
    .command('check')
    .description('read a configuration file and tell everything that is wrong with it')
    .argument('<config>', 'file of YAML or JSON, or a module whose default export is one')
    .option('--json', 'print the errors as NDJSON')
    .action(async (file: string, { json }: { json?: true }) => check(file, json === true, context));
}

async function check(file: string, asJson: boolean, { stdout, stderr }: CliContext): Promise<void> {
  const errors = await checkConfig(file);
  // What only the source can refuse, such as a node that there is not.
  if (errors.length === 0) errors.push(...(await openingErrors(file)));
  throwAll(errors, asJson, stderr);
  if (!asJson) await write(stdout, `${file} can be run\n`);
}

/** Tells all errors but the last, which ends the command and is told by whoever ends it. */
function throwAll(errors: readonly DamonError[], asJson: boolean, stderr: Output): void {
  const last = errors.at(-1);
  if (last === undefined) return;
  for (const error of errors.slice(0, -1)) {
    stderr.write(asJson ? renderErrorJson(error, false) : renderError(error, false));
  }
  throw last;
}

async function openingErrors(file: string): Promise<DamonError[]> {
  const read = await readConfigFile(file);
  try {
    await tryRun(configOf(read));
    return [];
  } catch (error) {
    if (error instanceof DamonError) return [placed(error, read)];
    throw error;
  }
}

/** The error with its place in the file; one of a recording blames the line that names it. */
function placed(error: DamonError, { locate }: ConfigFile): DamonError {
  if (error.code.startsWith('ERR_DAMON_CONFIG')) return locate(error);
  const { file, line, column } = locate(withDetails(error, { path: 'source.path' }));
  return withDetails(error, { file, line, column });
}

async function runFile(path: string, options: Options, context: CliContext): Promise<void> {
  const { stdout, stderr, signal } = context;
  const read = await readConfigFile(path);
  throwAll(refusalsOf(read), options.json === true, stderr);
  const config = withUntil(configOf(read), options);
  const html = options.html ?? config.output?.html;
  const json = config.output?.json;
  for (const one of [html, json]) if (one !== undefined) await expectWritable(one);
  const file = json === undefined ? undefined : await WholeFile.open(json);
  const rows: Rows[] = [
    ...(options.json ? [{ stream: stdout, explain: options.explain === true }] : []),
    ...(file ? [{ stream: file.stream, explain: true }] : []),
  ];
  const bar = progressBar(stderr, 'run');
  let watched: Watched | undefined;
  try {
    const record = await runConfig(config, {
      ...rowHooks(rows),
      onEvent: (event) => {
        bar.stop();
        if (!options.json) stderr.write(`${describeEvent(event)}\n`);
        for (const { stream } of rows) stream.write(`${toJson({ type: 'event', ...event })}\n`);
      },
      onProgress: bar.onProgress,
      onFailure: (books) => {
        bar.stop();
        if (signal.aborted || options.json) return;
        stderr.write(`${renderBooks(books, rendering(stderr))}\n`);
      },
      onStart: (run) => {
        // What is done so far is kept.
        if (signal.aborted) run.end();
        signal.addEventListener('abort', run.end, { once: true });
        if (!options.reload) return;
        watched = reloadOnChange(path, run, options, (error) => {
          bar.stop();
          stderr.write(options.json ? renderErrorJson(error, false) : renderError(error, false));
          if (!options.json) stderr.write('  the run goes on as it was\n');
        });
      },
    }).catch((error: unknown) => {
      throw error instanceof DamonError ? placed(error, read) : error;
    });
    bar.stop();
    for (const { stream } of rows) await write(stream, `${summary(record)}\n`);
    if (!options.json) {
      await write(stdout, `${renderRun(record, path, options.explain, rendering(stdout))}\n`);
    }
    await file?.keep();
    if (html !== undefined) {
      const generatedBy = `node-damon ${packageVersion()}`;
      const title = `Run of ${basename(path)}`;
      await writeWhole(html, renderHtml({ title, generatedBy, run: record }));
    }
  } finally {
    bar.stop();
    await watched?.stop();
    await file?.drop();
  }
}

function withUntil(config: RunConfig, { until }: Options): RunConfig {
  if (until === undefined) return config;
  const untilMs = duration(until, '--until');
  // What would come after the end asked for here does not come.
  const changes = config.changes?.filter(({ atMs }) => quantity(atMs, 'ms', 'atMs') < untilMs);
  return { ...config, untilMs, ...(changes && { changes }) };
}

/** Where rows go as NDJSON, and whether tunings and rounds are among them. */
interface Rows {
  readonly stream: Output;
  readonly explain: boolean;
}

function rowHooks(rows: readonly Rows[]): RunHooks {
  const explained = rows
    .filter(({ explain }) => explain)
    .map(({ stream }) => explainingLines(stream));
  return {
    ...(rows.length > 0 && {
      onSnapshot: async (snapshot) => {
        for (const { stream } of rows) await write(stream, `${snapshot.toNdjson()}\n`);
      },
    }),
    ...(explained.length > 0 && {
      onTuning: (tuning) => {
        for (const { onTuning } of explained) onTuning(tuning);
      },
      onRounds: async (rounds) => {
        for (const { onRounds } of explained) await onRounds(rounds);
      },
    }),
  };
}

/** Commits the file whenever it changes; a file that is refused changes nothing, and is told. */
function reloadOnChange(
  file: string,
  run: RunHandle,
  options: Options,
  refused: (error: unknown) => void,
): Watched {
  const look = async (): Promise<void> => {
    const read = await readConfigFile(file);
    try {
      await run.reload(withUntil(configOf(read), options));
    } catch (error) {
      const isPlaced = !(error instanceof DamonError) || error.file !== undefined;
      throw isPlaced ? error : placed(error, read);
    }
  };
  return watchFile(file, { look, refused });
}

function summary({ books, durationMs, startNs, endNs, roundsDropped }: RunRecord): string {
  const simulatedMs = Number(endNs - startNs) / 1e6;
  return toJson({ type: 'summary', books: books.counters, simulatedMs, durationMs, roundsDropped });
}

function renderRun(
  record: RunRecord,
  file: string,
  explain: boolean | undefined,
  options: TerminalOptions,
): string {
  const { nodes, heatmap, startNs, endNs, books, workingSet } = record;
  const seconds = Number(endNs - startNs) / 1e9;
  const parts = [
    `Ran ${file}: ${formatDuration(seconds)} in ${formatDuration(record.durationMs / 1_000)}`,
    renderHotRanges(record.hotRanges, options),
    ...(workingSet
      ? [renderWorkingSet(workingSet, options), renderHeatmap(heatmap, { ...options, nodes })]
      : []),
    ...(explain ? [renderExplained(record, options)] : []),
    renderBooks(books, options),
  ];
  return parts.join('\n\n');
}
