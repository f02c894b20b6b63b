/** `node-damon regimes`: tiering to a cap, and the bandwidth of two nodes. */
import type { Command } from 'commander';

import { REGIME_NAMES, regimes } from '../job/study/regimes.ts';
import { number } from './number.ts';
import type { CliContext } from './output.ts';
import { type StudyFlags, names, runPlacementStudy, studyOptions } from './study.ts';

interface Flags extends StudyFlags {
  readonly regime?: string;
  readonly seconds: string;
  readonly searchSeconds: string;
}

const EXAMPLES = `
Examples:
  node-damon regimes
  node-damon regimes --regime bandwidth --seeds 5 --html report.html
`;

/** Adds the command. */
export function addRegimes(program: Command, context: CliContext): void {
  const command = program
    .command('regimes')
    .description('two regimes: tiering to a cap, and bandwidth interleaving')
    .option('--regime <name,...>', `of ${REGIME_NAMES.join(', ')} (default: all)`)
    .option('--seconds <s>', 'simulated seconds that are judged', '20')
    .option('--search-seconds <s>', 'simulated seconds of the search before', '100');
  studyOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async ({ regime, seconds, searchSeconds, ...flags }: Flags) => {
      const chosen = regime === undefined ? REGIME_NAMES : names('--regime', regime, REGIME_NAMES);
      return runPlacementStudy('regimes', flags, context, (how) =>
        regimes({
          ...how,
          regimes: chosen,
          seconds: number(seconds, '--seconds'),
          searchSeconds: number(searchSeconds, '--search-seconds'),
        }),
      );
    });
}
