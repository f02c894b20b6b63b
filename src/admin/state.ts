/**
 * The words that may be written to a `state` file, and what each does.
 *
 * `damon-core.md` 8.2.
 */
import { buildContext } from './context.ts';
import type { AdminTriedRegions } from './engine.ts';
import type { Dir } from './node.ts';
import {
  clearTriedRegions,
  showEffectiveBytes,
  showIntervals,
  showStats,
  showTriedBytes,
  showTriedRegions,
} from './results.ts';
import { buildGoals } from './scheme.ts';
import { readText, wordOf } from './text.ts';
import type { Worker } from './worker.ts';

type Command = (worker: Worker, context: Dir) => Promise<void>;

/** The words that need one context. */
const COMMANDS: Readonly<Record<string, Command>> = {
  on: (worker, context) => worker.start(() => buildContext(context, worker.operations)),

  // Read by the worker, so the files of one that has stopped are not looked at.
  commit: (worker, context) =>
    worker.ask((kdamond) => kdamond.commit(buildContext(context, worker.operations))),

  commit_schemes_quota_goals: (worker, context) =>
    worker.ask((kdamond) => {
      const schemes = context.dir('schemes').numbered();
      const goals = schemes.map((scheme) => scheme.dir('quotas').dir('goals'));
      return kdamond.commitGoals(goals.map((dir) => buildGoals(dir, 'EINVAL')));
    }),

  update_tuned_intervals: async (worker, context) =>
    showIntervals(context, await worker.ask((kdamond) => kdamond.tunedIntervals())),

  update_schemes_stats: async (worker, context) =>
    showStats(context, await worker.ask((kdamond) => kdamond.stats())),

  update_schemes_effective_quotas: async (worker, context) =>
    showEffectiveBytes(context, await worker.ask((kdamond) => kdamond.effectiveBytes())),

  update_schemes_tried_bytes: async (worker, context) =>
    showTriedBytes(context, await tried(worker, context)),

  update_schemes_tried_regions: async (worker, context) =>
    showTriedRegions(context, await tried(worker, context)),

  clear_schemes_tried_regions: async (_worker, context) => clearTriedRegions(context),
};

/** What was tried before is gone even if there is no answer, unless there never was a monitor. */
async function tried(worker: Worker, context: Dir): Promise<readonly AdminTriedRegions[]> {
  worker.started();
  clearTriedRegions(context);
  return worker.ask((kdamond) => kdamond.triedRegions());
}

const WORD = wordOf([...Object.keys(COMMANDS), 'off']);

/** Does what a word written to `state` says. */
export async function command(worker: Worker, text: string): Promise<void> {
  const run = COMMANDS[readText(WORD, worker.dir.pathOf('state'), text)];
  await (run ? run(worker, worker.context()) : worker.stop());
}
