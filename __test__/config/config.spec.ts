import { readFileSync } from 'node:fs';

import { Ajv } from 'ajv';
import test from 'ava';
import { expectTypeOf } from 'expect-type';

import { defineConfig, resolveRun, runRefusals } from '../../src/config/config.ts';
import { DamonError } from '../../src/errors.ts';
import { RFC_MACHINE, type RunConfig, pullPush } from '../../src/index.ts';
import { SMALL } from '../support/small.ts';

const HOLD = {
  name: 'hold',
  action: 'migrate_hot',
  targetNid: 0,
  quota: {
    szBytes: '1 MiB',
    goals: [{ metric: 'node_eligible_mem_bp', nid: 0, targetValue: '70 %' }],
  },
} as const;
const STAT = { action: 'stat' } as const;

const base = (more: object): RunConfig => ({ source: SMALL, schemes: [HOLD, STAT], ...more });
const change = (more: object): RunConfig => base({ changes: [{ atMs: '1 s', ...more }] });

function refusalOf(config: RunConfig): DamonError {
  const [error] = runRefusals(config);
  if (error === undefined) throw new Error(`taken: ${JSON.stringify(config)}`);
  return error;
}

const REFUSED: readonly [config: RunConfig, path: string, expected: RegExp][] = [
  [base({ untilMs: 'soon' }), 'untilMs', /whole milliseconds/],
  [base({ untill: 1 }), 'untill', /one of .*untilMs/],
  [base({ output: { htm: 'x' } }), 'output.htm', /html/],
  [change({}), 'changes[0]', /`setGoals` or `commit`/],
  [change({ atMs: -1, commit: {} }), 'changes[0].atMs', /whole milliseconds/],
  [
    base({ untilMs: '1 s', changes: [{ atMs: '1 s', commit: {} }] }),
    'changes[0].atMs',
    /before untilMs \(1000 ms\)/,
  ],
  [
    base({
      changes: [
        { atMs: 2, commit: {} },
        { atMs: 1, commit: {} },
      ],
    }),
    'changes[1]',
    /at or after the change before it/,
  ],
  [
    change({ commit: { sampler: { type: 'ibs_op', period: 17 } } }),
    'changes[0].commit.sampler.period',
    /from 144 to 134217712/,
  ],
  [change({ commit: { source: SMALL } }), 'changes[0].commit.source', /one of operations/],
  [
    change({ commit: { attrs: { sampleUs: 0 } } }),
    'changes[0].commit.attrs.sampleUs',
    /at least 1/,
  ],
  [
    change({ commit: { operations: 'fvaddr' } }),
    'changes[0].commit.schemes[0].quota.goals[0].metric',
    /a metric that `fvaddr`/,
  ],
  [change({ setGoals: [{ scheme: 'hald' }] }), 'changes[0].setGoals[0].scheme', /hold, stat/],
  [change({ setGoals: [{ scheme: 2 }] }), 'changes[0].setGoals[0].scheme', /hold, stat/],
  [change({ setGoals: [{ scheme: 1 }] }), 'changes[0].setGoals[0].goal', /the 0 goals/],
  [
    change({ setGoals: [{ scheme: 0, targetValue: '101 %' }] }),
    'changes[0].setGoals[0].targetValue',
    /at most 10000/,
  ],
  [
    change({ setGoals: [{ scheme: 0, currentValue: 1 }] }),
    'changes[0].setGoals[0].currentValue',
    /metric, nid/,
  ],
];

test('what is wrong with a run is told by its path in the whole', (t) => {
  for (const [config, path, expected] of REFUSED) {
    const error = refusalOf(config);
    t.is(error.code.startsWith('ERR_DAMON_CONFIG'), true);
    t.is(error.path, path);
    t.regex(`${error.expected}`, expected, path);
    t.true(error.message.includes(`\`${path}\``), error.message);
    t.throws(() => resolveRun(config), { instanceOf: DamonError, message: error.message });
  }
  t.is(refusalOf(change({ setGoals: [{ scheme: 'hald' }] })).hint, 'did you mean `hold`?');
});

test('all reasons are told at once', (t) => {
  const paths = runRefusals({ source: { type: 'emulation', nodes: 5 }, seed: -1, scheme: [] }).map(
    ({ path }) => path,
  );
  t.deepEqual(paths.toSorted(), ['scheme', 'seed', 'source.nodes', 'source.workload']);
});

test('a change says what is different, and the plan what is so from then on', (t) => {
  const { steps, untilMs } = resolveRun(
    base({
      untilMs: '5 s',
      changes: [
        { atMs: '1 s', setGoals: [{ scheme: 'hold', targetValue: '80 %' }] },
        { atMs: '2 s', commit: { paused: true } },
        { atMs: '3 s', commit: { schemes: [STAT] } },
      ],
    }),
  );
  t.is(untilMs, 5_000);
  const [goals, paused, schemes] = steps;
  const options = { metric: 'node_eligible_mem_bp', nid: 0, targetValue: '80 %' };
  t.deepEqual(goals?.goals, [{ scheme: 0, goal: 0, options }] as never);
  t.deepEqual(
    steps.map(({ atMs, commit }) => [atMs, commit !== undefined]),
    [
      [1_000, false],
      [2_000, true],
      [3_000, true],
    ],
  );
  // A commit of something else does not take the goal back.
  t.like(paused?.context, { paused: true, schemes: [{ quota: { goals: [options] } }, STAT] });
  t.like(schemes?.context, { paused: true, schemes: [STAT] });
});

test('a change of the sampler is of its moment; what comes after leaves it as it is', (t) => {
  const sampler = { type: 'ibs_op', period: 65_536 } as const;
  const { steps } = resolveRun(
    base({
      changes: [
        { atMs: 1, commit: { sampler } },
        { atMs: 2, commit: { paused: true } },
      ],
    }),
  );
  t.deepEqual(
    steps.map((step) => step.sampler),
    [sampler, undefined],
  );
  t.false(steps.some(({ context }) => 'sampler' in context));
});

test('a change of goals alone is no commit, and what a commit leaves out is not reset', (t) => {
  const attrs = { sampleUs: '10 ms', aggregationUs: '200 ms' };
  const { steps } = resolveRun(base({ attrs, changes: [{ atMs: 1, commit: { paused: true } }] }));
  t.deepEqual(steps[0]?.context.attrs, attrs);
});

test('defineConfig knows the options, and the names of schemes where a change refers to them', (t) => {
  const config = defineConfig({
    source: RFC_MACHINE,
    schemes: [HOLD, { name: 'watch', action: 'stat' }],
    changes: [{ atMs: '1 s', setGoals: [{ scheme: 'watch', targetValue: 1 }] }],
  });
  expectTypeOf(config).toEqualTypeOf<RunConfig<'hold' | 'watch'>>();
  expectTypeOf(config).toExtend<RunConfig>();
  // @ts-expect-error: no such option
  defineConfig({ source: RFC_MACHINE, seeds: 1 });
  // @ts-expect-error: no such action
  defineConfig({ source: RFC_MACHINE, schemes: [{ action: 'migrat_hot' }] });
  // @ts-expect-error: a source is needed
  defineConfig({ untilMs: '1 s' });
  defineConfig({
    source: RFC_MACHINE,
    schemes: [HOLD],
    // @ts-expect-error: no such scheme
    changes: [{ atMs: 1, setGoals: [{ scheme: 'watch' }] }],
  });
  // Schemes whose names are not known to the compiler take any.
  const node = { id: 0, start: 0, end: '1 GiB' };
  const pair = pullPush({ fast: node, slow: { ...node, id: 1 }, targetBp: 5_000 });
  expectTypeOf(defineConfig({ source: RFC_MACHINE, schemes: pair })).toEqualTypeOf<RunConfig>();
  t.notThrows(() => resolveRun(defineConfig({ source: SMALL, schemes: [HOLD] })));
});

test('the published schema refuses what is wrong in a change too', (t) => {
  const schema = JSON.parse(readFileSync('node-damon.schema.json', 'utf8')) as object;
  const takes = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);
  t.true(takes(base({ $schema: 'x', untilMs: '5 s', output: { html: 'a.html' } })));
  t.true(takes(change({ setGoals: [{ scheme: 'hold', targetValue: '80 %' }] })));
  t.true(takes(change({ commit: { schemes: [STAT] } })));
  for (const config of [
    base({ untilMs: 'soon' }),
    base({ untill: 1 }),
    base({ output: { htm: 'x' } }),
    change({ atMs: -1, commit: {} }),
    change({ commit: { source: SMALL } }),
    change({ setGoals: [{ goal: 0 }] }),
  ]) {
    t.false(takes(config), JSON.stringify(config));
  }
});
