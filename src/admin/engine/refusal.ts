/** Errors of a monitor, told as errno and by the file at fault. */
import { DamonError } from '../../errors.ts';
import { AdminError, type ErrnoName } from '../errno.ts';
import { MEMCG_METRICS } from '../words.ts';
import type { AdminScheme } from '../engine.ts';

/** What a monitor was asked. */
export interface Asked {
  /** As they were to be. */
  readonly schemes: readonly Pick<AdminScheme, 'quota'>[];
  /** Of a control group that is not there. */
  readonly noCgroup: 'ENOMEM' | 'EINVAL';
}

const ERRNOS: Readonly<Record<string, ErrnoName>> = {
  ERR_DAMON_BUSY: 'EBUSY',
  ERR_DAMON_CANCELED: 'ECANCELED',
  ERR_DAMON_CLOSED: 'ECANCELED',
  ERR_DAMON_ENDED: 'ECANCELED',
  ERR_DAMON_MEMORY: 'ENOMEM',
};

/** From a path of the configuration to one of the tree, below the context. */
const PATHS: readonly (readonly [RegExp, string])[] = [
  [/^addrUnit$/, 'addr_unit'],
  [/^operations$/, 'operations'],
  [/^attrs\..*/, 'monitoring_attrs'],
  [/^probes\[(\d+)\].*/, 'monitoring_attrs/probes/$1/filters'],
  [/^targets$/, 'targets/nr_targets'],
  [/^targets\[(\d+)\]\.tgid$/, 'targets/$1/pid_target'],
  [/^targets\[(\d+)\]\.obsolete$/, 'targets/$1/obsolete_target'],
  [/^targets\[(\d+)\].*/, 'targets/$1/regions'],
  [/^schemes\[(\d+)\]\.quota\.goals.*/, 'schemes/$1/quotas/goals'],
  [/^schemes\[(\d+)\]\.watermarks.*/, 'schemes/$1/watermarks/metric'],
  [/^schemes\[(\d+)\].*/, 'schemes/$1'],
];

/** The error as the tree tells it. */
export function toAdminError(error: unknown, asked?: Asked): unknown {
  if (error instanceof AdminError || !(error instanceof DamonError)) return error;
  const { message, hint, expected, received } = error;
  const path = pathOf(error);
  return new AdminError(errnoOf(error, asked), message, {
    ...(path !== undefined && { path }),
    expected,
    received,
    hint,
    cause: error,
  });
}

function errnoOf({ code, path }: DamonError, asked: Asked | undefined): ErrnoName {
  if (code !== 'ERR_DAMON_CONFIG_METRIC') return ERRNOS[code] ?? 'EINVAL';
  const [, scheme, goal] = /^schemes\[(\d+)\]\.quota\.goals\[(\d+)\]/.exec(path ?? '') ?? [];
  const metric = asked?.schemes[Number(scheme)]?.quota.goals[Number(goal)]?.metric;
  // The metric is there where there are control groups, so it is the group that is missing.
  if (metric !== undefined && MEMCG_METRICS.includes(metric)) return asked?.noCgroup ?? 'EINVAL';
  return 'EOPNOTSUPP';
}

function pathOf({ path = '' }: DamonError): string | undefined {
  const known = PATHS.find(([pattern]) => pattern.test(path));
  return known && path.replace(known[0], known[1]);
}
