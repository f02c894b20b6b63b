/**
 * Builds a context from the files, with the errors of the kernel in its order.
 *
 * `damon-core.md` 9.3. A refusal names the file at fault. Not here: whether processes, cgroups and
 * nodes exist, which the engine knows.
 */
import { OPERATIONS } from '../monitor/operations.ts';
import { either } from '../validate.ts';
import { buildAttrs } from './attrs.ts';
import { checkContext } from './checks.ts';
import type { AdminContext } from './engine.ts';
import { type Dir, unfit } from './node.ts';
import { buildProbe } from './probe.ts';
import { buildSample } from './sample.ts';
import { buildScheme } from './scheme.ts';
import { buildTargets, minRegionSzOf } from './targets.ts';

/**
 * The context that a directory `contexts/0` describes.
 *
 * @param registered names of the operations sets there are
 * @throws AdminError `EINVAL`, or `ENOMEM` for a scheme, as the kernel tells any failure of those
 */
export function buildContext(dir: Dir, registered: readonly string[]): AdminContext {
  const operations = dir.word('operations', OPERATIONS);
  if (!registered.includes(operations)) {
    throw unfit(dir, 'operations', `one that is there: ${either(registered) || 'there is none'}`);
  }
  const addrUnit = dir.u64('addr_unit');
  const minRegionSz = minRegionSzOf(operations, addrUnit);
  const monitoring = dir.dir('monitoring_attrs');
  const context: AdminContext = {
    operations,
    addrUnit,
    pause: dir.flag('pause'),
    attrs: buildAttrs(monitoring),
    probes: monitoring.dir('probes').numbered().map(buildProbe),
    sample: buildSample(monitoring.dir('sample')),
    targets: buildTargets(dir.dir('targets'), { operations, minRegionSz }),
    schemes: dir.dir('schemes').numbered().map(buildScheme),
  };
  checkContext(dir, context, minRegionSz);
  return context;
}
