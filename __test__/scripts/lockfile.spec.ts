import { readFileSync } from 'node:fs';

import test from 'ava';

import { missingEntries, platformOf } from '../../scripts/lockfile.mjs';

const text = readFileSync('package-lock.json', 'utf8');
const lockfile = JSON.parse(text);

test('the lock file records no download addresses', (t) => {
  t.false(text.includes('"resolved"'));
  t.notRegex(text, /https?:\/\/[^"]*\.(tgz|tar\.gz)/);
});

test('the lock file names no registry', (t) => {
  // The only addresses in it are funding links, copied from the packages.
  const addresses = [...text.matchAll(/^\s*(.*https?:\/\/.*)$/gm)].map(([, line]) => line ?? '');
  t.true(addresses.every((line) => /^("url": |"funding": )?"https?:/.test(line)));
});

test('the lock file is that of package.json', (t) => {
  const { name, version, dependencies, devDependencies } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  );
  t.like(lockfile.packages[''], { name, version, dependencies, devDependencies });
});

test('the lock file has the packages of every platform, or `npm ci` refuses it', (t) => {
  t.deepEqual(missingEntries(lockfile), {}, 'run `node scripts/lockfile.mjs`');
});

test('a missing entry is written from the name and the list that asks for it', (t) => {
  const packages = {
    'node_modules/tool': {
      dev: true,
      optionalDependencies: { '@tool/linux-x64-musl': '1.2.3', '@tool/darwin-arm64': '1.2.3' },
    },
    'node_modules/@tool/darwin-arm64': { version: '1.2.3' },
  };
  t.deepEqual(missingEntries({ packages }), {
    'node_modules/@tool/linux-x64-musl': {
      version: '1.2.3',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
  });
});

test('the platform is read from the end of a name', (t) => {
  t.deepEqual(platformOf('@a/b-win32-ia32-msvc'), { cpu: ['ia32'], os: ['win32'] });
  t.deepEqual(platformOf('@a/b-android-arm-eabi'), { cpu: ['arm'], os: ['android'] });
  t.deepEqual(platformOf('b-linux-s390x-gnu'), { cpu: ['s390x'], libc: ['glibc'], os: ['linux'] });
  t.deepEqual(platformOf('@a/b-wasm32-wasi'), { cpu: ['wasm32'] });
  t.throws(() => platformOf('fsevents'));
});
