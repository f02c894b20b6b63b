import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { fingerprint, isFresh, replaceFolder, writeStamp } from '../../scripts/stamp.mjs';

function tree(t: ExecutionContext, files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'node-damon-stamp-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const write = (name: string, content: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return { root, write };
}

const inputs = {
  files: ['Cargo.toml', 'absent.toml'],
  trees: [{ folder: 'crates', match: /\.rs$/ }],
};

test('the hash follows contents and names, not times or other files', (t) => {
  const { root, write } = tree(t, { 'Cargo.toml': 'a', 'crates/x/src/lib.rs': 'fn x() {}' });
  const first = fingerprint(root, inputs);

  utimesSync(join(root, 'Cargo.toml'), 1, 1);
  write('crates/x/README.md', 'not an input');
  write('crates/x/target/out.rs', 'not an input');
  t.is(fingerprint(root, inputs), first);

  const changes: [string, string][] = [
    ['crates/x/src/lib.rs', 'fn y() {}'],
    ['crates/x/src/new.rs', ''],
    ['Cargo.toml', 'b'],
    ['absent.toml', ''],
  ];
  const seen = new Set([first]);
  for (const [name, content] of changes) {
    write(name, content);
    seen.add(fingerprint(root, inputs));
  }
  seen.add(fingerprint(root, { ...inputs, facts: ['linux-x64'] }));
  t.is(seen.size, 1 + changes.length + 1);
});

test('text moved from one file to the next changes the hash', (t) => {
  const files = ['a', 'b'];
  const one = tree(t, { a: 'xy', b: 'z' });
  const two = tree(t, { a: 'x', b: 'yz' });
  t.not(fingerprint(one.root, { files }), fingerprint(two.root, { files }));
});

test('only the stamp of the same inputs is fresh', (t) => {
  const { root } = tree(t, {});
  const stamp = join(root, '.stamp');
  t.false(isFresh(stamp, 'abc'));
  writeStamp(stamp, 'abc');
  t.true(isFresh(stamp, 'abc'));
  t.false(isFresh(stamp, 'abd'));
});

test('a finished build takes the place of the last one, the first one of nothing', (t) => {
  const { root, write } = tree(t, { 'next/new': '1' });
  const [next, current] = [join(root, 'next'), join(root, 'current')];
  replaceFolder(next, current);
  t.is(readFileSync(join(current, 'new'), 'utf8'), '1');

  write('next/newer', '2');
  replaceFolder(next, current);
  t.false(existsSync(join(current, 'new')));
  t.is(readFileSync(join(current, 'newer'), 'utf8'), '2');
  t.false(existsSync(next) || existsSync(`${current}.last`));
});
