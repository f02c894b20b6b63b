/**
 * The command line: its options and subcommands, from arguments to an exit code.
 *
 * Touches no process state, so that a test can run it; `main.ts` connects it to the process.
 */
import { Command, CommanderError } from 'commander';

import { DamonError } from '../errors.ts';
import { packageVersion } from '../native/binding.ts';
import { addAdmin } from './admin.ts';
import { addDemo } from './demo.ts';
import { EXIT, exitCodeOf, renderError, renderErrorJson } from './exit.ts';
import type { CliContext } from './output.ts';
import { addPolicies } from './policies.ts';
import { addPrimitives } from './primitives.ts';
import { addRegimes } from './regimes.ts';
import { addReplay } from './replay.ts';
import { addCheck, addRun } from './run.ts';
import { addSensitivity } from './sensitivity.ts';
import { addShares } from './shares.ts';
import { addStart } from './start.ts';

/**
 * Runs one command line.
 *
 * @param args without the names of Node and of the script
 * @returns the exit code
 */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  const asJson = args.includes('--json');
  const program = createProgram(context, asJson);
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.usage;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (context.signal.aborted) return EXIT.interrupted;
    // commander's own code is 0 for --help and --version only; its message is printed, if as text.
    const isUsage = error instanceof CommanderError;
    if (isUsage && error.exitCode === 0) return EXIT.ok;
    const debug = program.opts<{ debug?: true }>().debug === true;
    if (asJson) context.stderr.write(renderErrorJson(isUsage ? usageError(error) : error, debug));
    else if (!isUsage) context.stderr.write(renderError(error, debug));
    return isUsage ? EXIT.usage : exitCodeOf(error);
  }
  return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

function usageError({ message }: CommanderError): DamonError {
  return new DamonError(message.replace(/^error: /, ''), { code: 'ERR_DAMON_USAGE' });
}

/** All options and subcommands. Subcommands made by `.command()` inherit the settings made here. */
function createProgram(context: CliContext, asJson: boolean): Command {
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
      writeErr: (text) => void (asJson || stderr.write(text)),
    })
    .exitOverride();
  addReplay(program, context);
  addDemo(program, context);
  addRun(program, context);
  addCheck(program, context);
  addSensitivity(program, context);
  addShares(program, context);
  addPrimitives(program, context);
  addRegimes(program, context);
  addPolicies(program, context);
  addAdmin(program, context);
  addStart(program, context);
  for (const command of program.commands) {
    command.showHelpAfterError(`(see node-damon ${command.name()} --help)`);
  }
  return program;
}
