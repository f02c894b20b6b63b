import { run } from './src/cli/program.ts';
process.exitCode = await run(process.argv.slice(2), {stdout:process.stdout, stderr:process.stderr, signal:new AbortController().signal});
