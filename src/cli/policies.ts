/** `node-damon policies`: rivals as policies on one machine. */
import type { Command } from 'commander';

import { PLACER_NAMES, policies } from '../job/study/policies.ts';
import { number } from './number.ts';
import type { CliContext } from './output.ts';
import { type StudyFlags, names, runPlacementStudy, studyOptions } from './study.ts';

interface Flags extends StudyFlags {
  readonly policy?: string;
  readonly seconds: string;
}

const EXAMPLES = `
Examples:
  node-damon policies
  node-damon policies --policy damon_temporal,pghot --seeds 5 --json
`;

/** Adds the command. */
export function addPolicies(program: Command, context: CliContext): void {
  const command = program
    .command('policies')
    .description('who places pages how well: DAMON, its rivals, an oracle')
    .option('--policy <name,...>', `of ${PLACER_NAMES.join(', ')} (default: all)`)
    .option('--seconds <s>', 'simulated seconds after the hot set moved', '40');
  studyOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async ({ policy, seconds, ...flags }: Flags) => {
      const chosen = policy === undefined ? PLACER_NAMES : names('--policy', policy, PLACER_NAMES);
      return runPlacementStudy('policies', flags, context, (how) =>
        policies({
          ...how,
          policies: chosen,
          seconds: number(seconds, '--seconds'),
        }),
      );
    });
}
