/**
 * The command line: its options and subcommands, from arguments to an exit code.
 *
 * Touches no process state, so that a test can run it; `main.ts` connects it to the process.
 */
import { Command, CommanderError } from 'commander';

import { packageVersion } from '../native/binding.ts';
import { addDemo } from './demo.ts';
import { EXIT, exitCodeOf, renderError } from './exit.ts';
import type { CliContext } from './output.ts';
import { addReplay } from './replay.ts';
import { addStart } from './start.ts';

/**
 * Runs one command line.
 *
 * @param args without the names of Node and of the script
 * @returns the exit code
 */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  const program = createProgram(context);
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.usage;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (context.signal.aborted) return EXIT.interrupted;
    // commander has printed its message; its own code is 0 for --help and --version only.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    context.stderr.write(renderError(error, program.opts<{ debug?: true }>().debug === true));
    return exitCodeOf(error);
  }
  return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

/** All options and subcommands. Subcommands made by `.command()` inherit the settings made here. */
function createProgram(context: CliContext): Command {
  const { stdout, stderr } = context;
  const program = new Command('node-damon')
    .description(
      'Data access monitoring as DAMON does it, fed by emulated hardware access samplers',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--debug', 'print the stack of an error')
    .showHelpAfterError('(see node-damon --help)')
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .exitOverride();
  addReplay(program, context);
  addDemo(program, context);
  addStart(program, context);
  return program;
}
