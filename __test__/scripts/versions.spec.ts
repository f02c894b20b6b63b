import { readFileSync } from 'node:fs';

import test from 'ava';

import {
  atLeast,
  NODE_MINIMUMS,
  nodeComplaint,
  parseVersion,
  RUST_MINIMUM,
  rustComplaint,
} from '../../scripts/versions.mjs';

test('versions are read out of what the tools print', (t) => {
  t.deepEqual(parseVersion('cargo 1.95.0 (f2d3ce0bd 2026-03-21)'), [1, 95, 0]);
  t.deepEqual(parseVersion('rustc 1.97.0-nightly (abc 2026-06-01)'), [1, 97, 0]);
  t.deepEqual(parseVersion('22.12'), [22, 12, 0]);
  t.is(parseVersion('error: no default toolchain'), undefined);
});

test('versions compare by number, not by text', (t) => {
  t.true(atLeast('20.19.0', '20.19.0'));
  t.true(atLeast('20.100.0', '20.19.0'));
  t.true(atLeast('100.0.0', '20.19.0'));
  t.false(atLeast('20.9.9', '20.19.0'));
  t.false(atLeast('20.19.0', '20.19.1'));
  t.false(atLeast('none', '20.19.0'));
});

test('the engines line decides about Node', (t) => {
  for (const version of ['20.19.0', '20.20.2', '22.12.0', '23.0.0', '26.1.0']) {
    t.is(nodeComplaint(version), undefined, version);
  }
  for (const version of ['12.22.12', '18.20.8', '20.18.3', '21.7.3', '22.11.0']) {
    const line = nodeComplaint(version) ?? '';
    t.true(line.includes(version) && line.includes('nodejs.org'), line);
    t.false(line.includes('\n'));
  }
});

test('a missing and an old Rust each get one line', (t) => {
  t.is(rustComplaint('cargo', 'cargo 1.89.0 (c24e10642 2025-06-23)'), undefined);
  for (const found of [undefined, 'cargo 1.88.0', 'error: no toolchain']) {
    const line = rustComplaint('cargo', found) ?? '';
    t.true(line.includes('1.89') && line.includes('rustup.rs'), line);
    t.true(line.includes(found ?? 'not on the PATH'), line);
  }
});

test('the minimums are those of package.json and Cargo.toml', (t) => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.is(engines.node, `^${NODE_MINIMUMS[20]} || >=${NODE_MINIMUMS.later}`);
  t.true(
    readFileSync('Cargo.toml', 'utf8').includes(`rust-version = "${RUST_MINIMUM.slice(0, -2)}"`),
  );
});

test('the npm package and the crates have one version', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  t.true(readFileSync('Cargo.toml', 'utf8').includes(`\nversion = "${version}"`));
});
