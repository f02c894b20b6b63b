/** `node-damon shares`: hot memory over any number of nodes, from one vector of weights. */
import type { Command } from 'commander';

import { shares } from '../job/study/shares.ts';
import { number } from './number.ts';
import type { CliContext } from './output.ts';
import { type StudyFlags, TUNERS, controllers, runStudy, studyOptions } from './study.ts';

interface Flags extends StudyFlags {
  readonly weights: string;
  readonly minutes: string;
  readonly tuner: string;
}

const WEIGHTS = 'numbers parted by colons, such as 5:3:2';
const EXAMPLES = `
Examples:
  node-damon shares
  node-damon shares --weights 4:3:2:1 --seeds 5 --tuner proportional,temporal --html report.html
`;

/** Adds the command. */
export function addShares(program: Command, context: CliContext): void {
  const command = program
    .command('shares')
    .description('hold shares of hot memory over any number of nodes')
    .option('--weights <w:w…>', 'what each node is to have, in proportion', '5:3:2')
    .option('--minutes <m>', 'simulated minutes', '5')
    .option(
      '--tuner <name,...>',
      `who decides how much moves, compared with the first: ${TUNERS}`,
      'proportional',
    );
  studyOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async ({ weights, minutes, tuner, ...flags }: Flags) =>
      runStudy('shares', flags, context, (how) =>
        shares({
          ...how,
          weights: weights.split(':').map((weight) => number(weight, '--weights', WEIGHTS)),
          minutes: number(minutes, '--minutes'),
          controllers: controllers(tuner),
        }),
      ),
    );
}
