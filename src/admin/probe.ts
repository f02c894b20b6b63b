/** Builds data-attribute probes from their files. `damon-core.md` 1.6. */
import type { AdminProbe, AdminProbeFilter } from './engine.ts';
import { type Dir, unfit } from './node.ts';
import { verdictOf } from './verdict.ts';
import { PREP_ACTIONS, PROBE_FILTERS } from './words.ts';

/** The probe that a directory `probes/P` describes. */
export function buildProbe(dir: Dir): AdminProbe {
  const preps = dir
    .dir('preps')
    .numbered()
    .map((prep) => prep.word('prep_action', PREP_ACTIONS));
  const filters = dir.dir('filters').numbered().map(buildProbeFilter);
  return { weight: dir.number('weight'), preps, filters };
}

function buildProbeFilter(dir: Dir): AdminProbeFilter {
  const type = dir.word('type', PROBE_FILTERS);
  const path = dir.text('path');
  if (type === 'memcg' && path === '') throw unfit(dir, 'path', 'the path of a cgroup');
  return { type, ...verdictOf(dir), path };
}
