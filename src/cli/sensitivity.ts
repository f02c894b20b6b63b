/** `node-damon sensitivity`: which of the model's parameters the demonstration depends on. */
import type { Command } from 'commander';

import { refuse } from '../errors.ts';
import { PARAMETER_NAMES, sensitivity } from '../job/study/sensitivity.ts';
import { number } from './number.ts';
import type { CliContext } from './output.ts';
import { type StudyFlags, TUNERS, controllers, names, runStudy, studyOptions } from './study.ts';

interface Flags extends StudyFlags {
  readonly target: string;
  readonly minutes: string;
  readonly tuner: string;
  readonly parameter?: string;
}

const EXAMPLES = `
Examples:
  node-damon sensitivity
  node-damon sensitivity --parameter start,period --seeds 5 --html report.html
  node-damon sensitivity --tuner proportional --json
`;

/** Adds the command. */
export function addSensitivity(program: Command, context: CliContext): void {
  const command = program
    .command('sensitivity')
    .description('vary one parameter of the demonstration at a time')
    .option('--target <percent>', 'share to hold', '70')
    .option('--minutes <m>', 'simulated minutes of each run', '5')
    .option('--tuner <name>', `who decides how much moves: ${TUNERS}`, 'temporal')
    .option('--parameter <name,...>', `of ${PARAMETER_NAMES.join(', ')} (default: all)`);
  studyOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async ({ target, minutes, tuner, parameter, ...flags }: Flags) => {
      const [controller, second] = controllers(tuner);
      if (controller === undefined || second !== undefined) {
        const expected = 'one name';
        throw refuse({ code: 'ERR_DAMON_USAGE_TUNER', path: '--tuner', expected, received: tuner });
      }
      return runStudy('sensitivity', flags, context, (how) =>
        sensitivity({
          ...how,
          target: number(target, '--target'),
          minutes: number(minutes, '--minutes'),
          controller,
          ...(parameter !== undefined && {
            parameters: names(
              '--parameter',
              parameter,
              PARAMETER_NAMES,
              'ERR_DAMON_USAGE_PARAMETER',
            ),
          }),
        }),
      );
    });
}
