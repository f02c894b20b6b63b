import { execFileSync } from 'node:child_process';

import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { loadNative, native, packageVersion } from '../../src/native/binding.ts';

const version = packageVersion();

test('the addon of this checkout loads, once', (t) => {
  t.is(native().version(), version);
  t.is(native(), native());
});

test('a missing addon is an error that names machine, files and cure', (t) => {
  const cause = new Error('Cannot find native binding');
  const load = () => {
    throw cause;
  };
  const error = t.throws(() => loadNative(load, version), { instanceOf: DamonError });
  t.is(error.code, 'ERR_DAMON_NATIVE_LOAD');
  t.is(error.cause, cause);
  for (const word of [
    process.platform,
    process.arch,
    process.versions.node,
    'native/node-damon.',
  ]) {
    t.true(error.message.includes(word), `${word} in: ${error.message}`);
  }
  t.regex(error.hint ?? '', /npm run build/);
});

test('an addon of another version is an error that names both versions', (t) => {
  const error = t.throws(() => loadNative(() => ({ version: () => '0.0.9' }), version), {
    instanceOf: DamonError,
  });
  t.is(error.code, 'ERR_DAMON_NATIVE_VERSION');
  t.is(error.received, '0.0.9');
  t.is(error.expected, version);
  t.true(error.message.includes('0.0.9') && error.message.includes(version));
});

test('importing the package loads no addon, by import and by require', (t) => {
  // Pointing the loader at nothing makes any load fail.
  const env = {
    ...process.env,
    NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/addon.node',
    NODE_OPTIONS: '',
  };
  const scripts = [
    [
      '--input-type=module',
      `import { DamonError } from 'node-damon'; console.log(DamonError.name)`,
    ],
    ['--input-type=commonjs', `console.log(require('node-damon').DamonError.name)`],
  ];
  for (const [type, script] of scripts as [string, string][]) {
    const output = execFileSync(process.execPath, ['--no-warnings', type, '--eval', script], {
      env,
      encoding: 'utf8',
    });
    t.is(output, 'DamonError\n');
  }
});
