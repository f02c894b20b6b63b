import test from 'ava';
import fc from 'fast-check';

import { AdminError } from '../../src/admin/errno.ts';
import { AdminTree } from '../../src/admin/tree.ts';
import { FakeEngine } from './fake-engine.ts';

const COUNTS = [
  'kdamonds/nr_kdamonds',
  'K/contexts/nr_contexts',
  'C/targets/nr_targets',
  'C/targets/0/regions/nr_regions',
  'C/schemes/nr_schemes',
  'S/quotas/goals/nr_goals',
  'S/core_filters/nr_filters',
  'S/filters/nr_filters',
  'S/dests/nr_dests',
  'C/monitoring_attrs/probes/nr_probes',
  'C/monitoring_attrs/sample/filters/nr_filters',
  'C/monitoring_attrs/sample/perf_events/nr_perf_events',
];

const VALUES = [
  'K/refresh_ms',
  'C/operations',
  'C/addr_unit',
  'C/pause',
  'C/monitoring_attrs/intervals/sample_us',
  'C/monitoring_attrs/nr_regions/min',
  'C/monitoring_attrs/probes/0/weight',
  'C/monitoring_attrs/sample/filters/0/cpumask',
  'C/monitoring_attrs/sample/filters/0/type',
  'C/monitoring_attrs/sample/perf_events/0/config',
  'C/targets/0/pid_target',
  'C/targets/0/regions/1/end',
  'S/action',
  'S/target_nid',
  'S/quotas/ms',
  'S/quotas/fail_charge_num',
  'S/quotas/goals/0/path',
  'S/quotas/goals/1/target_metric',
  'S/core_filters/0/type',
  'S/stats/max_nr_snapshots',
];

const ODD = [
  'K/pid',
  'C/avail_operations',
  'S/stats/nr_tried',
  'S/tried_regions',
  'S/tried_regions/0/start',
  'C',
  '',
  'C/addr_unit/x',
  'kdamonds/constructor',
  'C/schemes/07/action',
];

const COMMANDS = [
  'on',
  'off',
  'commit',
  'commit_schemes_quota_goals',
  'update_tuned_intervals',
  'update_schemes_stats',
  'update_schemes_effective_quotas',
  'update_schemes_tried_bytes',
  'update_schemes_tried_regions',
  'clear_schemes_tried_regions',
];

const step = fc.oneof(
  fc.record({
    path: fc.constantFrom(...COUNTS),
    text: fc.constantFrom('0', '1', '2\n', '5', '65', '-1', '0x2', '2147483648', 'x'),
  }),
  fc.record({
    path: fc.constantFrom(...VALUES, ...ODD),
    text: fc.oneof(
      fc.constantFrom('0', '3\n', '010', '0x1F', '-1', '4294967296', '18446744073709551616'),
      fc.constantFrom(
        'paddr',
        'vaddr\n',
        'migrate_hot',
        'anon',
        'addr',
        'write',
        'y',
        'off',
        '0-3',
      ),
      fc.string(),
    ),
  }),
  fc.record({
    path: fc.constant('K/state'),
    text: fc.oneof(fc.constantFrom(...COMMANDS), fc.string()),
  }),
);

/** What `K`, `C` and `S` stand for. */
function real(path: string): string {
  return path
    .replace(/^S/, 'C/schemes/0')
    .replace(/^C/, 'K/contexts/0')
    .replace(/^K/, 'kdamonds/0');
}

const START = [
  { path: 'kdamonds/nr_kdamonds', text: '1' },
  { path: 'K/contexts/nr_contexts', text: '1' },
  { path: 'C/schemes/nr_schemes', text: '1' },
];

/** What a file shows, or the code of its refusal. */
function shown(tree: AdminTree, path: string): string {
  try {
    return tree.read(path);
  } catch (error) {
    if (error instanceof AdminError) return error.code;
    throw error;
  }
}

/** The code of a refusal; `undefined` for what was taken. */
async function refusal(write: Promise<void>): Promise<string | undefined> {
  try {
    await write;
    return undefined;
  } catch (error) {
    if (error instanceof AdminError) return error.code;
    throw error;
  }
}

/** Every file, as it is shown, but those that commands fill. */
function allFiles(tree: AdminTree, path = ''): string[] {
  return tree.list(path).flatMap((name) => {
    const below = path === '' ? name : `${path}/${name}`;
    if (tree.stat(below)?.type === 'dir') {
      return name === 'tried_regions' ? [] : allFiles(tree, below);
    }
    return [`${below}=${tree.read(below)}`];
  });
}

test('whatever is written, refusals are errnos that change nothing, and what is taken is shown', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const seen = new Set<string>();
  const steps = fc.array(step, { minLength: 1, maxLength: 40 });
  const property = fc.asyncProperty(fc.boolean(), steps, async (runs, given) => {
    const tree = new AdminTree(new FakeEngine(), { every: () => () => undefined });
    const start = runs ? [...START, { path: 'K/state', text: 'on' }] : START;
    for (const { path: short, text } of [...start, ...given]) {
      const path = real(short);
      const before = allFiles(tree);
      const code = await refusal(tree.write(path, text));
      seen.add(code ?? 'taken');
      if (code !== undefined) {
        if (allFiles(tree).join('') !== before.join('')) return false;
      } else if (!path.endsWith('/state') && text !== '') {
        const first = shown(tree, path);
        const again = await refusal(tree.write(path, first));
        if (!first.endsWith('\n') || again !== undefined) return false;
        if (shown(tree, path) !== first) return false;
      }
    }
    await tree.close();
    return true;
  });
  try {
    await fc.assert(property, { seed, numRuns: 150 });
  } catch (error) {
    t.log(`SEED=${seed}`);
    throw error;
  }
  for (const outcome of ['taken', 'ENOENT', 'EINVAL', 'EACCES', 'EISDIR', 'EBUSY']) {
    t.true(seen.has(outcome === 'taken' ? outcome : `ERR_DAMON_ADMIN_${outcome}`), outcome);
  }
});
