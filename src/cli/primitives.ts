/** `node-damon primitives`: ways to see accesses, side by side. */
import type { Command } from 'commander';

import { PRIMITIVE_NAMES, primitives } from '../job/study/primitives.ts';
import { number } from './number.ts';
import type { CliContext } from './output.ts';
import { type StudyFlags, names, runPlacementStudy, studyOptions } from './study.ts';

interface Flags extends StudyFlags {
  readonly primitive?: string;
  readonly seconds: string;
}

const EXAMPLES = `
Examples:
  node-damon primitives
  node-damon primitives --primitive ibs,accessed_bits --seeds 5 --html report.html
`;

/** Adds the command. */
export function addPrimitives(program: Command, context: CliContext): void {
  const command = program
    .command('primitives')
    .description('one machine and one pair of schemes under each way to see accesses')
    .option('--primitive <name,...>', `of ${PRIMITIVE_NAMES.join(', ')} (default: all)`)
    .option('--seconds <s>', 'simulated seconds after the hot set moved', '40');
  studyOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async ({ primitive, seconds, ...flags }: Flags) => {
      const chosen =
        primitive === undefined
          ? PRIMITIVE_NAMES
          : names('--primitive', primitive, PRIMITIVE_NAMES);
      return runPlacementStudy('primitives', flags, context, (how) =>
        primitives({
          ...how,
          primitives: chosen,
          seconds: number(seconds, '--seconds'),
        }),
      );
    });
}
