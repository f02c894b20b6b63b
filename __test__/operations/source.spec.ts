import test from 'ava';

import { DamonError, Kdamond, OperationsRegistry } from '../../src/index.ts';
import { QUICK, apart, toy } from '../support/toy.ts';

const NODES = [{ start: 0, end: '1 MiB' }];

function withToy(): OperationsRegistry {
  const registry = new OperationsRegistry();
  registry.register(toy());
  return registry;
}

const goal = (metric: string) => [
  { action: 'stat', quota: { szBytes: 4096, goals: [{ metric, targetValue: 5_000, nid: 0 }] } },
];

const REFUSALS: readonly [what: string, code: string, path: string, options: object][] = [
  ['neither set nor registry', 'ERR_DAMON_CONFIG', 'source.registry', { source: {} }],
  ['no object', 'ERR_DAMON_CONFIG', 'source.set', { source: { set: 3 } }],
  ['both', 'ERR_DAMON_CONFIG', 'source.set', { source: { set: toy(), registry: withToy() } }],
  ['no name', 'ERR_DAMON_CONFIG', 'source.name', { source: { registry: withToy() } }],
  ['a name too many', 'ERR_DAMON_CONFIG', 'source.name', { source: { set: toy(), name: 'toy' } }],
  [
    'no registry',
    'ERR_DAMON_CONFIG',
    'source.registry',
    { source: { registry: { available: ['toy'] }, name: 'toy' } },
  ],
  [
    'a set that is not there',
    'ERR_DAMON_OPERATIONS_UNKNOWN',
    'operations',
    { source: { registry: withToy(), name: 'other' } },
  ],
  [
    'another one that is not there',
    'ERR_DAMON_OPERATIONS_UNKNOWN',
    'operations',
    { source: { set: toy() }, operations: 'paddr' },
  ],
  [
    'a set that is no name',
    'ERR_DAMON_OPERATIONS_UNKNOWN',
    'operations',
    { source: { set: toy() }, operations: 5 },
  ],
  [
    'nothing to monitor',
    'ERR_DAMON_CONFIG_TARGETS',
    'targets',
    { source: { set: toy({ targets: () => undefined as never }) } },
  ],
  [
    'targets by a promise',
    'ERR_DAMON_CONFIG_TARGETS',
    'toy.targets()',
    { source: { set: toy({ targets: (async () => []) as never }) } },
  ],
  [
    'a process of a physical set',
    'ERR_DAMON_CONFIG_TARGETS',
    'targets',
    { source: { set: toy() }, targets: [{ tgid: 1, regions: apart(1) }] },
  ],
  [
    'mappings before the run, of a set named as the kernel’s',
    'ERR_DAMON_CONFIG_TARGETS',
    'targets[0].tgid',
    {
      source: {
        set: toy({
          name: 'vaddr',
          addresses: 'virtual',
          targets: () => [{ tgid: 1 }],
          mappings: () => [],
        }),
      },
    },
  ],
  [
    'an action of virtual sets',
    'ERR_DAMON_CONFIG_ACTION',
    'schemes[0].action',
    { source: { set: toy() }, schemes: [{ action: 'willneed' }] },
  ],
  [
    'a node that is not there',
    'ERR_DAMON_CONFIG_ACTION',
    'schemes[0].targetNid',
    { source: { set: toy(), nodes: NODES }, schemes: [{ action: 'migrate_hot', targetNid: 1 }] },
  ],
  [
    'a metric it cannot read',
    'ERR_DAMON_CONFIG_METRIC',
    'schemes[0].quota.goals[0].metric',
    { source: { set: toy(), nodes: NODES }, schemes: goal('node_mem_used_bp') },
  ],
  [
    'eligible memory without nodes',
    'ERR_DAMON_CONFIG_METRIC',
    'schemes[0].quota.goals[0].metric',
    { source: { set: toy(), nodes: NODES }, schemes: goal('node_eligible_mem_bp') },
  ],
  [
    'watermarks it cannot read',
    'ERR_DAMON_CONFIG_METRIC',
    'schemes[0].watermarks.metric',
    {
      source: { set: toy() },
      schemes: [
        {
          action: 'stat',
          watermarks: {
            metric: 'free_mem_rate',
            highPermil: 3,
            midPermil: 2,
            lowPermil: 1,
            intervalUs: 1,
          },
        },
      ],
    },
  ],
  [
    'a moment before time',
    'ERR_DAMON_CONFIG',
    'source.startNs',
    { source: { set: toy(), startNs: -1 } },
  ],
];

for (const [what, code, path, { source, ...more }] of REFUSALS as readonly [
  string,
  string,
  string,
  { source: object },
][]) {
  test(`own operations sets: ${what} is refused by name`, (t) => {
    const options = { source: { type: 'operations', ...source }, ...QUICK, ...more };
    const error = t.throws(() => new Kdamond(options as never), { instanceOf: DamonError });
    t.is(error?.code, code, error?.message);
    t.is(error?.path, path, error?.message);
  });
}

test('the clock starts where it is told and moves by intervals alone', async (t) => {
  const set = toy();
  const kdamond = new Kdamond({
    source: { type: 'operations', set, startNs: '2 s', nodes: NODES },
    ...QUICK,
  });
  t.is(kdamond.startNs, 2_000_000_000n);
  t.is(kdamond.config.operations, 'toy');
  t.is(kdamond.config.addresses, 'physical');
  t.deepEqual(kdamond.nodes, [{ id: 0, start: 0n, end: 1_048_576n }]);
  await kdamond.run({ untilMs: 15 });
  t.is(kdamond.nowNs, 2_015_000_000n);
  kdamond.close();
});

test('a commit to a set of the other kind takes the targets that set names', async (t) => {
  const registry = withToy();
  const tgids: (number | undefined)[] = [];
  const checkAccesses = ({ tgid }: { tgid?: number }) => void tgids.push(tgid);
  const targets = () => [
    { tgid: 1, regions: apart(1) },
    { tgid: 2, regions: apart(2) },
  ];
  registry.register(toy({ name: 'processes', addresses: 'virtual', targets, checkAccesses }));
  const kdamond = new Kdamond({ source: { type: 'operations', registry, name: 'toy' }, ...QUICK });
  await kdamond.run({ untilMs: 10 });
  await kdamond.commit({ attrs: QUICK.attrs, operations: 'processes' });
  const parts: unknown[] = [];
  for await (const snapshot of kdamond.snapshots({ untilMs: 50 })) parts.push(snapshot.targets);
  t.deepEqual(parts, [
    [
      { tgid: 1, regions: 1 },
      { tgid: 2, regions: 2 },
    ],
  ]);
  t.deepEqual(tgids.slice(0, 4), [1, 2, 1, 2]);
  kdamond.close();
});
