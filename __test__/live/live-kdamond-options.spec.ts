import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import {
  type LiveKdamondOptions,
  resolveLiveOptions,
  resolveSlots,
} from '../../src/live/live-kdamond-options.ts';

const REGIONS = [{ start: 0, end: '1 GiB' }];
const TARGETS = [
  { tgid: 7, regions: REGIONS },
  { tgid: 8, regions: [{ start: '0x7fff00000000', end: '0x7fff00001000' }] },
];

test('everything but the memory has a default', (t) => {
  const { targets, ...rest } = resolveLiveOptions({ regions: REGIONS });
  t.deepEqual(targets, [{ regions: [{ start: 0, end: 2 ** 30 }] }]);
  t.like(rest, {
    operations: 'paddr_ibs',
    sampleFilters: [],
    schemes: [],
    everyMs: 1_000,
    laneSlots: 256,
    seed: 1,
    highWaterMark: 8,
    overflow: 'dropOldest',
  });
});

test('processes are monitored by their virtual addresses', (t) => {
  const { targets } = resolveLiveOptions({ operations: 'fvaddr', targets: TARGETS });
  t.deepEqual(
    targets.map(({ tgid }) => tgid),
    [7, 8],
  );
  t.is(targets[1]?.regions[0]?.start, 0x7fff_0000_0000);
});

const WRONG: readonly [path: string, options: unknown][] = [
  ['options', undefined],
  ['options', 5],
  ['regions', {}],
  ['regions', { regions: [] }],
  ['regions', { regions: 5 }],
  ['regions', { operations: 'paddr_ibs' }],
  ['regions[0].end', { regions: [{ start: 1, end: 1 }] }],
  ['regions[1].start', { regions: [...REGIONS, ...REGIONS] }],
  ['targets', { regions: REGIONS, targets: TARGETS }],
  ['targets', { operations: 'fvaddr' }],
  ['targets', { operations: 'fvaddr', targets: [] }],
  ['targets', { operations: 'fvaddr', targets: 5 }],
  ['regions', { operations: 'fvaddr', targets: TARGETS, regions: REGIONS }],
  ['targets[0].regions', { operations: 'fvaddr', targets: [{ tgid: 1, regions: [] }] }],
  ['targets[0].regions', { operations: 'fvaddr', targets: [{ tgid: 1 }] }],
  ['targets[0].tgid', { operations: 'fvaddr', targets: [{ tgid: 0, regions: REGIONS }] }],
  ['targets[0].tgid', { operations: 'fvaddr', targets: [{ tgid: 1.5, regions: REGIONS }] }],
  ['targets[0].tgid', { operations: 'fvaddr', targets: [{ tgid: 2 ** 32, regions: REGIONS }] }],
  ['targets[0].pid', { operations: 'fvaddr', targets: [{ ...TARGETS[0], pid: 1 }] }],
  ['operations', { operations: 'vaddr', regions: REGIONS }],
  ['operations', { operations: 'paddr', regions: REGIONS }],
  ['highWaterMark', { regions: REGIONS, highWaterMark: 0 }],
  ['highWaterMark', { regions: REGIONS, highWaterMark: 65_537 }],
  ['overflow', { regions: REGIONS, overflow: 'block' }],
  ['laneSlots', { regions: REGIONS, laneSlots: 3 }],
  ['source', { regions: REGIONS, source: {} }],
  ['sampleFilters[0].type', { regions: REGIONS, sampleFilters: [{ type: 'x' }] }],
];

test('options that are wrong, or contradict each other, are refused by name', (t) => {
  for (const [path, options] of WRONG) {
    const error = t.throws(() => resolveLiveOptions(options as LiveKdamondOptions), {
      instanceOf: DamonError,
      code: 'ERR_DAMON_CONFIG',
    });
    t.is(error?.path, path, JSON.stringify(options));
    t.truthy(error?.expected);
  }
});

test('a live monitor knows no nodes: it moves nothing and is not steered by them', (t) => {
  const refused = (scheme: object) =>
    t.throws(() => resolveLiveOptions({ regions: REGIONS, schemes: [scheme as never] }), {
      instanceOf: DamonError,
    });
  const moves = refused({ action: 'migrate_hot', targetNid: 0 });
  t.like(moves, { code: 'ERR_DAMON_CONFIG_ACTION', path: 'schemes[0].action' });
  const goals = [{ metric: 'node_eligible_mem_bp', nid: 0, targetValue: 1 }];
  const steered = refused({ action: 'stat', quota: { goals } });
  t.like(steered, {
    code: 'ERR_DAMON_CONFIG_METRIC',
    path: 'schemes[0].quota.goals[0].metric',
    received: 'node_eligible_mem_bp',
  });
});

test('slots of a shared lane are a power of two', (t) => {
  t.is(resolveSlots({}), undefined);
  t.is(resolveSlots({ slots: 65_536 }), 65_536);
  for (const slots of [0, 3, 65_537, 131_072, 1.5, '4', null]) {
    const error = t.throws(() => resolveSlots({ slots: slots as number }), {
      instanceOf: DamonError,
    });
    t.is(error?.path, 'slots');
  }
});
