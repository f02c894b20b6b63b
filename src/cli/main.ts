#!/usr/bin/env node
/** The `node-damon` command: connects the command line to this process, its streams and signals. */
import { EXIT } from './exit.ts';
import { run } from './program.ts';

const interruption = new AbortController();
process.on('SIGINT', () => {
  // The first Ctrl-C asks the command to end, the second does not wait for it.
  if (interruption.signal.aborted) process.exit(EXIT.interrupted);
  interruption.abort();
});

// A reader that has seen enough, such as `head`, closes the pipe: no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const { stdout, stderr } = process;
process.exitCode = await run(process.argv.slice(2), {
  stdout,
  stderr,
  signal: interruption.signal,
});
