import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { Ajv } from 'ajv';
import test from 'ava';

import { DamonError } from '../src/errors.ts';
import { Kdamond } from '../src/kdamond.ts';
import { ATTRS_DEFAULT } from '../src/monitor/attrs.ts';
import { resolveOptions } from '../src/kdamond-options.ts';
import {
  recording,
  emulation,
  workload,
  sampler,
  node,
  attrs,
  scheme,
  pattern,
  quota,
  goal,
  nodeGoal,
  inputGoal,
  filter,
  destinations,
  marks,
  tuned,
  ofProcess,
  filterRange,
  S,
  G,
} from './options/field.ts';
import { FIELDS } from './options/fields.ts';
import { recordingOf, rows, SMALL } from './support/small.ts';

for (const { path, set, taken, refused, expected } of FIELDS) {
  test(`${path}, where ${expected.source} is expected, takes its limits and no more`, (t) => {
    for (const value of taken) t.notThrows(() => resolveOptions(set(value) as never), show(value));
    for (const value of refused) {
      const error = t.throws(
        () => resolveOptions(set(value) as never),
        { instanceOf: DamonError },
        show(value),
      );
      t.is(error?.code, 'ERR_DAMON_CONFIG', show(value));
      t.is(error?.path, path, show(value));
      t.regex(error?.expected ?? '', expected, show(value));
      t.is(error?.received, value, show(value));
    }
  });
}

function show(value: unknown): string {
  return `${typeof value} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
}

test('an unknown option is refused at every level, by its path and with the known ones', (t) => {
  const unknown = { typo: 1 };
  const levels: readonly [options: unknown, path: string, known: RegExp][] = [
    [{ source: SMALL, ...unknown }, 'typo', /source, operations, .*, seed/],
    [recording(unknown), 'source.typo', /path, nodes, regions/],
    [emulation(unknown), 'source.typo', /nodes, .*, workload, .*, sampler/],
    [workload(unknown), 'source.workload.typo', /hotShare/],
    [sampler(unknown), 'source.sampler.typo', /period/],
    [node(unknown), 'source.nodes[0].typo', /name/],
    [attrs(unknown), 'attrs.typo', /sampleUs, aggregationUs, .*, maxNrRegions/],
    [scheme(unknown), `${S}.typo`, /applyIntervalUs/],
    [pattern(unknown), `${S}.pattern.typo`, /szBytes, nrAccesses, age/],
    [pattern({ age: unknown }), `${S}.pattern.age.typo`, /min, max/],
    [quota(unknown), `${S}.quota.typo`, /resetIntervalMs/],
    [quota({ weights: unknown }), `${S}.quota.weights.typo`, /agePermil/],
    [nodeGoal(unknown), `${G}.typo`, /metric, nid, targetValue, complement$/],
    [tuned(unknown), 'attrs.intervalsGoal.typo', /accessBp, aggregations/],
    [marks(unknown), `${S}.watermarks.typo`, /midPermil/],
    [ofProcess(unknown), 'targets[0].typo', /tgid, regions, obsolete/],
    [
      destinations({ destinations: [{ nid: 0, weight: 1, ...unknown }] }),
      `${S}.destinations[0].typo`,
      /nid, weight/,
    ],
    [
      quota({ failCharge: { numerator: 1, denominator: 1, ...unknown } }),
      `${S}.quota.failCharge.typo`,
      /numerator, denominator/,
    ],
    [
      quota({ tuner: { name: 'a', step: () => 0, ...unknown } }),
      `${S}.quota.tuner.typo`,
      /name, step/,
    ],
    [
      goal({ metric: { name: 'a', measure: () => 0, ...unknown }, targetValue: 1 }),
      `${G}.metric.typo`,
      /name, measure/,
    ],
    [inputGoal({ nid: 0 }), `${G}.nid`, /metric, targetValue, currentValue$/],
    [filter(unknown), `${S}.filters[0].typo`, /matching/],
    [filterRange(unknown), `${S}.filters[0].range.typo`, /start, end/],
  ];
  for (const [options, path, known] of levels) {
    const error = t.throws(() => resolveOptions(options as never), { instanceOf: DamonError });
    t.is(error?.code, 'ERR_DAMON_CONFIG');
    t.is(error?.path, path);
    t.regex(error?.message ?? '', known);
  }
});

test('what is not options at all is refused as such', (t) => {
  for (const input of [undefined, null, 5, 'x']) {
    const error = t.throws(() => resolveOptions(input as never), { instanceOf: DamonError });
    t.is(error.path, 'options');
    t.is(error.expected, 'an object');
  }
  for (const source of [undefined, null, 5, 'emulation']) {
    const error = t.throws(() => resolveOptions({ source } as never), { instanceOf: DamonError });
    t.is(error.path, 'source');
    t.is(error.expected, 'a recording, an emulation or operations sets');
  }
});

test('what is left open gets the documented defaults', (t) => {
  const { source, schemes, ...rest } = resolveOptions({
    source: { ...SMALL, sampler: { type: 'ibs_op' } },
    schemes: [{ action: 'stat' }],
  });
  t.deepEqual(rest, {
    operations: 'paddr_ibs',
    addresses: 'physical',
    sampleFilters: [],
    probes: [],
    addrUnit: 1,
    attrs: ATTRS_DEFAULT,
    paused: false,
    unsupportedActions: 'refuse',
    everyMs: 1_000,
    laneSlots: 256,
    seed: 1,
    controlTimeoutMs: 10_000,
  });
  t.like(source, {
    workload: { hotBytes: 2 ** 26, hotShare: 1, storeShare: 0.3 },
    sampler: { generation: 'zen5', period: 262_144, counting: 'cycles', l3MissOnly: false },
  });
  t.like(schemes[0], {
    name: 'stat',
    applyIntervalUs: 0,
    pattern: { szBytes: { min: 0 }, nrAccesses: { min: 0 }, age: { min: 0 } },
    quota: {
      szBytes: 0,
      resetIntervalMs: 0,
      weights: { nrAccessesPermil: 0, agePermil: 0 },
      tuner: 'consist',
    },
  });
});

test('a metric that the operations set cannot measure is refused', (t) => {
  for (const operations of ['vaddr', 'fvaddr']) {
    const options = { ...(nodeGoal({}) as object), operations };
    const error = t.throws(() => resolveOptions(options as never), { instanceOf: DamonError });
    t.is(error.code, 'ERR_DAMON_CONFIG_METRIC');
    t.is(error.path, `${G}.metric`);
    t.regex(error.expected ?? '', new RegExp(`\`${operations}\``));
    t.regex(error.hint ?? '', /paddr_ibs/);
    t.notThrows(() => resolveOptions({ ...(inputGoal({}) as object), operations } as never));
  }
});

test('what only the source knows is refused when it is opened, by the same names', (t) => {
  const file = recordingOf(rows(2));
  const migrate = [{ action: 'migrate_hot', targetNid: 0 }];
  const absent = { metric: 'node_mem_used_bp', nid: 2, targetValue: 1 };
  const used = { schemes: [{ action: 'stat', quota: { goals: [absent] } }] };
  const targets = [{ tgid: 1 }, { tgid: 99, regions: [{ start: 0, end: 4096 }] }];
  const refusals: readonly [options: unknown, code: string, path: string][] = [
    [nodeGoal({ nid: 2 }), 'ERR_DAMON_CONFIG_NODE', `${G}.nid`],
    [nodeGoal({ nid: 2, metric: 'node_mem_used_bp' }), 'ERR_DAMON_CONFIG_NODE', `${G}.nid`],
    [
      nodeGoal({ nid: 2, metric: 'node_memcg_free_bp', memcg: '/' }),
      'ERR_DAMON_CONFIG_NODE',
      `${G}.nid`,
    ],
    [
      scheme({ filters: [{ type: 'memcg', memcg: '/none' }] }),
      'ERR_DAMON_CONFIG_MEMCG',
      `${S}.filters`,
    ],
    [
      {
        source: SMALL,
        operations: 'paddr',
        probes: [{}, { filters: [{ type: 'memcg', memcg: '/none' }] }],
      },
      'ERR_DAMON_CONFIG_MEMCG',
      'probes[1].filters',
    ],
    [{ ...recording({ path: file }), ...used }, 'ERR_DAMON_CONFIG_METRIC', `${G}.metric`],
    [scheme({ action: 'migrate_cold', targetNid: 2 }), 'ERR_DAMON_CONFIG_ACTION', `${S}.targetNid`],
    [
      { ...recording({ path: file }), schemes: migrate },
      'ERR_DAMON_CONFIG_ACTION',
      `${S}.targetNid`,
    ],
    [
      { ...recording({ path: file }), operations: 'vaddr' },
      'ERR_DAMON_CONFIG_OPERATIONS',
      'operations',
    ],
    [
      { source: SMALL, operations: 'vaddr', targets },
      'ERR_DAMON_CONFIG_TARGETS',
      'targets[1].tgid',
    ],
    [
      { source: SMALL, operations: 'fvaddr', targets },
      'ERR_DAMON_CONFIG_TARGETS',
      'targets[1].tgid',
    ],
    [emulation({ nodes: [] }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes'],
    [node({ end: '127 MiB' }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes[0]'],
    [node({ start: 4096 }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes[0]'],
    [node({ end: '8.125 TiB' }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes[0]'],
    [workload({ bytes: '257 MiB' }), 'ERR_DAMON_CONFIG_MACHINE', 'source.workload.bytes'],
    [
      workload({ bytes: '129 MiB', interleave: [0, 1] }),
      'ERR_DAMON_CONFIG_MACHINE',
      'source.workload.bytes',
    ],
    [workload({ interleave: [1, 1, 1] }), 'ERR_DAMON_CONFIG_MACHINE', 'source.workload.interleave'],
  ];
  for (const [options, code, path] of refusals) {
    const error = t.throws(() => new Kdamond(options as never), { instanceOf: DamonError });
    t.is(error?.code, code);
    t.is(error?.path, path);
    t.truthy(error?.expected);
    t.truthy(error?.received);
    t.true(error?.message.startsWith(`Expected \`${path}\` to be ${error.expected}, got `));
  }
});

test('a workload that just fits is taken', (t) => {
  t.notThrows(() => new Kdamond(workload({ bytes: '256 MiB' }) as never).close());
  t.notThrows(() =>
    new Kdamond(workload({ bytes: '128 MiB', interleave: [0, 1] }) as never).close(),
  );
});

/** Expectations that a JSON Schema can say: types, words, and bounds that are numbers. */
const STRUCTURAL =
  /^(an integer from|an address|a share from|a list|a text|true or false|an object|`|whole \w+, or)/;

const schemaFile = JSON.parse(readFileSync('node-damon.schema.json', 'utf8')) as object;
const takes = new Ajv({ strict: true, allowUnionTypes: true }).compile(schemaFile);

/** Whether a file of JSON can say it. */
function isJson(value: unknown): boolean {
  const text = JSON.stringify({ value }, (_key, held: unknown) =>
    typeof held === 'bigint' ? undefined : held,
  );
  return isDeepStrictEqual(JSON.parse(text), { value });
}

test('the published schema takes what is taken and refuses what JSON Schema can refuse', (t) => {
  let refusals = 0;
  for (const { path, set, taken, refused } of FIELDS) {
    for (const options of taken.map(set).filter(isJson)) {
      t.true(takes(options), `${path}: ${JSON.stringify(options)}`);
    }
    for (const options of refused.map(set).filter(isJson)) {
      const error = t.throws(() => resolveOptions(options as never), { instanceOf: DamonError });
      const isRefused = !takes(options);
      if (isRefused) refusals += 1;
      // What compares fields, or what a text comes to, is `node-damon check`'s to refuse.
      const mustBe = STRUCTURAL.test(error.expected ?? '');
      t.true(isRefused || !mustBe, `${path}: ${JSON.stringify(options)}`);
    }
  }
  t.true(refusals > 400, `${refusals}`);
});
