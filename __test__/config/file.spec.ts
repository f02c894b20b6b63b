import { dirname, join } from 'node:path';

import test from 'ava';

import { type RunPlan, resolveRun } from '../../src/config/config.ts';
import { checkConfig, loadConfig } from '../../src/config/file.ts';
import { DamonError } from '../../src/errors.ts';
import { resolveOptions } from '../../src/kdamond-options.ts';
import { temporaryFile } from '../support/small.ts';

async function refusalOf(text: string, name = 'run.yaml'): Promise<DamonError> {
  const [error] = await checkConfig(temporaryFile(text, name));
  if (error === undefined) throw new Error(`taken: ${text}`);
  return error;
}

test('a file that says nothing is told from one that says something wrong', async (t) => {
  for (const text of ['', '# nothing\n', 'null\n']) {
    const error = await refusalOf(text);
    t.is(error.code, 'ERR_DAMON_CONFIG_FILE');
    t.regex(error.message, /run\.yaml cannot be read: it is empty$/);
  }
});

/** Text, and the line and column that the first error is to name. */
const PLACES: readonly [text: string, path: string, line: number, column: number][] = [
  ['source: { type: emulatoin }\n', 'source.type', 1, 11],
  ['seed: 1\nsource:\n  type: recording\n  path: a.csv\n  badRow: stop\n', 'source.badRow', 5, 3],
  ['5\n', 'options', 1, 1],
  ['seed: 1\n', 'source', 1, 1],
  [
    'source: { type: recording, path: a }\nschemes:\n  - action: stat\n  - action: stat\n    quota:\n      szBytes: 12\n',
    'schemes[1].quota.szBytes',
    6,
    7,
  ],
  [
    'source: { type: recording, path: a }\nschemes:\n  - action: migrate_hot\n',
    'schemes[0].targetNid',
    3,
    5,
  ],
  // Where an alias stands for it, what it stands for.
  [
    'source: { type: recording, path: a }\nschemes:\n  - action: stat\n    pattern: &p\n      age: 5\n  - { action: stat, pattern: *p }\n',
    'schemes[0].pattern.age',
    5,
    7,
  ],
];

test('a refusal names path, file, line and column', async (t) => {
  for (const [text, path, line, column] of PLACES) {
    const error = await refusalOf(text);
    t.like(error, { path, line, column }, text);
    t.regex(error.file ?? '', /run\.yaml$/);
    t.like(error.toJSON(), { line, column });
  }
});

test('what is merged from elsewhere is refused where it stands', async (t) => {
  const text =
    'source: { type: recording, path: a }\nschemes:\n  - &one { action: stat, pattern: { age: 5 } }\n  - <<: *one\n  - <<: [{ action: stat }, *one]\n';
  const errors = await checkConfig(temporaryFile(text, 'run.yaml'));
  t.deepEqual(
    errors.map(({ path, line, column }) => [path, line, column]),
    [
      ['schemes[0].pattern.age', 3, 37],
      ['schemes[1].pattern.age', 3, 37],
      ['schemes[2].pattern.age', 3, 37],
    ],
  );
});

test('a text that is no YAML, or YAML that says two things, is refused where it stops', async (t) => {
  const texts: readonly [text: string, message: RegExp, line: number][] = [
    ['seed: 1\nseed: 2\n', /unique/, 2],
    ['source: [1,\n', /flow|\]/i, 1],
    ['seed: !!js/function x\n', /tag/i, 1],
    ['seed: 1\n---\nseed: 2\n', /document/i, 2],
  ];
  for (const [text, message, line] of texts) {
    const error = await refusalOf(text);
    t.is(error.code, 'ERR_DAMON_CONFIG_FILE');
    t.regex(error.message, message);
    t.true((error.line ?? 0) >= line, text);
  }
});

test('JSON has to be JSON, and knows its lines too', async (t) => {
  const error = await refusalOf(
    '{\n  "source": {"type": "recording", "path": "a"},\n  "seed": -1\n}',
    'a.json',
  );
  t.like(error, { path: 'seed', line: 3, column: 3 });
  t.is((await refusalOf('seed: 1', 'a.json')).code, 'ERR_DAMON_CONFIG_FILE');
});

test('all errors are told, in the order of the file', async (t) => {
  const text =
    'sede: 1\nsource: { type: recording, path: a }\nattrs: { sampleMs: 5 }\neveryMs: 1 day\n';
  const errors = await checkConfig(temporaryFile(text, 'run.yaml'));
  t.deepEqual(
    errors.map(({ path, line, hint }) => [path, line, hint]),
    [
      ['sede', 1, 'did you mean `seed`?'],
      ['attrs.sampleMs', 3, 'did you mean `sampleUs`?'],
      ['everyMs', 4, undefined],
    ],
  );
});

test('YAML and JSON say the same, with units, aliases and merged maps', async (t) => {
  const scheme = { action: 'stat', quota: { szBytes: '1 MiB', resetIntervalMs: '1 s' } };
  const json = { source: { type: 'recording', path: '/a' }, schemes: [scheme, scheme] };
  const yaml = `
source: { type: recording, path: /a }
schemes:
  - &one
    action: stat
    quota: { szBytes: 1 MiB, resetIntervalMs: 1 s }
  - <<: *one
`;
  const fromYaml = await loadConfig(temporaryFile(yaml, 'a.yml'));
  t.deepEqual(fromYaml, json as never);
  t.deepEqual(await loadConfig(temporaryFile(JSON.stringify(json), 'a.json')), fromYaml);
});

test('paths in a file are relative to it', async (t) => {
  const text = 'source: { type: recording, path: a/b.csv }\noutput: { html: r.html }\n';
  const file = temporaryFile(text, 'run.yaml');
  t.like(await loadConfig(file), {
    source: { path: join(dirname(file), 'a/b.csv') },
    output: { html: join(dirname(file), 'r.html') },
  });
});

test('a module gives its default export, is read again when asked again, and may have functions', async (t) => {
  const module = `
    export const tuner = { name: 'half', step: () => 4096 };
    globalThis.reads = (globalThis.reads ?? 0) + 1;
    export default {
      source: { type: 'recording', path: 'a' },
      schemes: [{ action: 'stat', quota: { tuner } }],
      seed: globalThis.reads,
    };`;
  const file = temporaryFile(module, 'run.mjs');
  t.is((await loadConfig(file)).seed, 1);
  const again = await loadConfig(file);
  t.is(again.seed, 2);
  t.like(again.schemes?.[0]?.quota?.tuner, { name: 'half' });
  const none = await refusalOf('export const a = 1;', 'none.mjs');
  t.like(none, { code: 'ERR_DAMON_CONFIG_FILE' });
  t.regex(none.message, /no default export/);
  const refused = await refusalOf('export default { seed: 1 };', 'some.mjs');
  t.like(refused, { path: 'source', line: undefined });
  t.regex(refused.file ?? '', /some\.mjs$/);
});

test('a TypeScript module is read where Node reads TypeScript', async (t) => {
  const text = `const seed: number = 7;\nexport default { source: { type: 'recording', path: 'a' }, seed };`;
  t.is((await loadConfig(temporaryFile(text, 'run.ts'))).seed, 7);
});

test('a file that is not there, or of no kind that is known, is refused', async (t) => {
  for (const path of ['no.yaml', 'no.mjs', 'no.toml', 'no']) {
    const error = await t.throwsAsync(loadConfig(path), { instanceOf: DamonError }, path);
    t.like(error, { code: 'ERR_DAMON_CONFIG_FILE', file: path });
  }
});

test('a key that every object has is a key like others', async (t) => {
  const error = await refusalOf('source: { type: recording, path: a }\n__proto__: { seed: 1 }\n');
  t.like(error, { path: '__proto__', line: 2 });
});

test('the example says the same as YAML and as a module', async (t) => {
  const [yaml, module] = await Promise.all(
    ['examples/pull-push.yaml', 'examples/pull-push.ts'].map(async (path) =>
      resolveRun(await loadConfig(path)),
    ),
  );
  if (yaml === undefined || module === undefined) throw new Error('two files were read');
  t.deepEqual(resolveOptions(yaml.monitor), resolveOptions(module.monitor));
  const plan = ({ untilMs, steps, output }: RunPlan) => ({
    untilMs,
    output,
    steps: steps.map(({ atMs, goals, commit }) => ({ atMs, goals, commit })),
  });
  t.deepEqual(plan(yaml), plan(module));
});
