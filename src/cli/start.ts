/** `npm start`: both jobs on what the checkout brings along, and one report of them. */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { DamonError } from '../errors.ts';
import { demo } from '../job/demo.ts';
import { replay } from '../job/replay.ts';
import { packageVersion } from '../native/binding.ts';
import { renderHtml } from '../report/html.ts';
import { readMachineFile } from '../trace/recording.ts';
import { renderDemo } from './demo.ts';
import {
  type CliContext,
  expectWritable,
  progressBar,
  rendering,
  write,
  writeWhole,
} from './output.ts';
import { renderReplay } from './replay.ts';

// Holds from src/cli and from dist/cli.
const EXAMPLE = '../../examples/redis-linux-6.12.samples.csv.zst';

/** Adds the command; it needs a checkout, so the help of the installed command does not show it. */
export function addStart(program: Command, context: CliContext): void {
  program
    .command('start', { hidden: true })
    .description('replay the bundled recording, run the demonstration, write report.html')
    .option('--html <file>', 'where to write the report', 'report.html')
    .action(async ({ html }: { html: string }) => start(html, context));
}

async function start(html: string, { stdout, stderr, signal }: CliContext): Promise<void> {
  await expectWritable(html);
  const path = exampleFile();
  const print = rendering(stdout);

  const replayBar = progressBar(stderr, 'replay');
  const nodes = readMachineFile(path);
  const replayed = await replay({ path, nodes, onProgress: replayBar.onProgress, signal }).finally(
    replayBar.stop,
  );
  await write(stdout, `${renderReplay(replayed, print)}\n\n`);

  const demoBar = progressBar(stderr, 'demo');
  const demonstrated = await demo({ onProgress: demoBar.onProgress, signal }).finally(demoBar.stop);
  await write(stdout, `${renderDemo(demonstrated, print)}\n\n`);

  const generatedBy = `node-damon ${packageVersion()}`;
  const title = 'node-damon: a recording and a closed loop';
  await writeWhole(html, renderHtml({ title, generatedBy, replay: replayed, demo: demonstrated }));
  await write(stdout, `Wrote ${html}: open it in a browser, it needs no network.\n`);
}

function exampleFile(): string {
  const path = relative('.', fileURLToPath(new URL(EXAMPLE, import.meta.url)));
  if (existsSync(path)) return path;
  throw new DamonError('The bundled recording is not part of the installed package', {
    code: 'ERR_DAMON_USAGE_CHECKOUT',
    path,
    hint: 'run `npm start` in a checkout, or `node-damon replay FILE` and `node-damon demo`',
  });
}
