/**
 * Every field of every option that a file may set, by a walk over the schema that reads them: below,
 * at and above its limits, of a wrong type, left out; unknown keys beside each; and what compares
 * fields, by pairs that contradict each other.
 */
import test from 'ava';
import * as v from 'valibot';

import { runConfigSchema, runRefusals } from '../../src/config/config.ts';
import { SMALL } from '../support/small.ts';
import { emulation, node, pattern, recording, sampler, scheme } from './field.ts';
import { FIELDS } from './fields.ts';
import { type Kind, type WalkedField, walk } from './walk.ts';

const { fields, objects, checks } = walk(runConfigSchema);

const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
  word: ['no such word', 5, null],
  boolean: [0, 'yes', null],
  text: [5, null, {}],
  list: [5, null, {}],
  object: [5, null],
  number: [NaN, Infinity, '5', null, true, {}],
  quantity: [-1, 1.5, NaN, '5', '5 parsecs', null, true, {}],
  other: [null, -1],
};

/** Values that the field has to refuse. */
function wrongFor({ kind, isRequired, isInteger, min, max }: WalkedField): readonly unknown[] {
  return [
    ...WRONG[kind],
    ...(kind === 'number' && isInteger ? [1.5] : []),
    ...(min === undefined ? [] : [min - 1]),
    ...(max === undefined ? [] : [max + 1]),
    ...(isRequired ? [undefined] : []),
  ];
}

function show(value: unknown): string {
  return `${typeof value} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
}

test('every field refuses what is below and above its limits, of a wrong type, or missing', (t) => {
  t.true(fields.length > 250, `${fields.length}`);
  const taken: string[] = [];
  for (const field of fields) {
    for (const value of wrongFor(field)) {
      const errors = runRefusals(field.set(value));
      const found = errors.find(({ path }) => path === field.path);
      if (found === undefined) {
        taken.push(`${field.path}: ${show(value)}: ${errors.map(({ path }) => path).join()}`);
        continue;
      }
      t.is(found.code, 'ERR_DAMON_CONFIG', field.path);
      t.truthy(found.expected, field.path);
      if (value !== undefined) t.deepEqual(found.received, value, field.path);
    }
  }
  t.deepEqual(taken, []);
});

/** Fields that do not take all that lies between their published limits: whole pages, powers of two. */
const NARROWER =
  /(bytes|Bytes|BytesPerS|Share|share|durationMs|epochNs|\.downSampling|\.laneSlots|\.weight|interleave\[0\])$/;

test('every number takes its published limits', (t) => {
  const numbers = fields.filter(({ min }) => min !== undefined);
  t.true(numbers.length > 120, `${numbers.length}`);
  const refused = numbers.flatMap(({ path, schema, min, max }) =>
    [min, max]
      .filter((limit) => !v.safeParse(schema, limit).success)
      .map((limit) => `${limit} of ${path}`),
  );
  t.deepEqual(
    refused.filter((one) => !NARROWER.test(one)),
    [],
  );
  t.true(refused.length < numbers.length / 3, `${refused.length}`);
});

test('every object refuses a key that it does not know, and says which one was meant', (t) => {
  t.true(objects.length > 50, `${objects.length}`);
  const untold: string[] = [];
  for (const { path, keys, set, sample } of objects) {
    for (const known of keys.filter((key) => key.length > 3)) {
      const key = `${known.slice(0, -1)}_`;
      const at = path === '' ? key : `${path}.${key}`;
      const found = runRefusals(set({ ...sample, [key]: 1 })).find((error) => error.path === at);
      t.is(found?.received, key, at);
      if (!/^did you mean `.+`\?$/.test(found?.hint ?? '')) untold.push(at);
    }
  }
  t.deepEqual(untold, []);
});

const processes = (more: object): object => {
  const area = { name: 'heap', bytes: '32 MiB' };
  const lines = [{ area: 'heap', pattern: { type: 'uniform' } }];
  const process = { areas: [area], phases: [{ lines }], ...more };
  return emulation({ workload: { type: 'processes', processes: [process] } });
};
const P = 'source.workload.processes[0]';
const policy = (more: object): object => emulation({ policy: { type: 'pghot', ...more } });
const probe = (more: object): object => ({ source: SMALL, probes: [more] });
const change = (...changes: readonly object[]): object => ({ source: SMALL, changes });

/** Options each of which could be so, but not beside the other. */
const CONTRADICTIONS: readonly [options: object, path: string][] = [
  [recording({ nodes: [{ start: 2, end: 1 }] }), 'source.nodes[0].end'],
  [node({ start: '2 GiB' }), 'source.nodes[0].end'],
  [emulation({ nodes: [SMALL.nodes[0], SMALL.nodes[0]] }), 'source.nodes[1]'],
  [processes({ areas: ['heap', 'heap'].map((name) => ({ name, bytes: 4096 })) }), `${P}.areas[1]`],
  [processes({ cpus: { start: 1, end: 1 } }), `${P}.cpus.end`],
  [policy({ demotion: { lowBytes: 2, highBytes: 1 } }), 'source.policy.demotion.highBytes'],
  [sampler({ counting: 'ops', stallShare: 0.5 }), 'source.sampler.stallShare'],
  [sampler({ type: 'pebs', period: 1, frequency: 1 }), 'source.sampler.period'],
  [sampler({ type: 'pebs', latencyMin: 1 }), 'source.sampler.latencyMin'],
  [sampler({ type: 'pebs', nodes: [0] }), 'source.sampler.nodes'],
  [
    sampler({ type: 'chmu', nodes: [0], counterBits: 8, threshold: 256 }),
    'source.sampler.threshold',
  ],
  [
    probe({ filters: [{ type: 'hugepage_size', szBytes: { min: 2, max: 1 } }] }),
    'probes[0].filters[0].szBytes.min',
  ],
  [pattern({ age: { min: 2, max: 1 } }), 'schemes[0].pattern.age.min'],
  [
    scheme({ filters: [{ type: 'probe_hits_wsum', hits: { min: 2, max: 1 } }] }),
    'schemes[0].filters[0].hits.min',
  ],
  [change({ atMs: 2, commit: {} }, { atMs: 1, commit: {} }), 'changes[1]'],
  [change({ atMs: 1 }), 'changes[0]'],
  [{ ...change({ atMs: 1, commit: {} }), untilMs: 1 }, 'changes[0].atMs'],
];

test('options that contradict each other are refused at the one that could go', (t) => {
  for (const [options, path] of CONTRADICTIONS) {
    const errors = runRefusals(options);
    t.true(
      errors.some((error) => error.path === path),
      `${path}: ${errors.map((error) => error.path).join()}`,
    );
  }
});

test('whatever compares fields, or looks closer at one, has been seen to refuse', (t) => {
  const seen = new Set<unknown>();
  const look = (options: unknown): void => {
    const { issues = [] } = v.safeParse(runConfigSchema, options);
    for (const { requirement } of issues) seen.add(requirement);
  };
  for (const field of fields) {
    for (const value of [...wrongFor(field), 0, field.min, field.max]) look(field.set(value));
  }
  for (const { set, refused } of FIELDS) for (const value of refused) look(set(value));
  for (const [options] of CONTRADICTIONS) look(options);
  const unseen = [...checks].filter(([check]) => !seen.has(check)).map(([, path]) => path);
  t.true(checks.size > 80, `${checks.size}`);
  t.deepEqual(unseen, []);
});
