import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { machineFileOf, readMachineFile } from '../../src/trace/recording.ts';
import { temporaryFile, temporaryPath } from '../support/small.ts';

const MACHINE = 'examples/redis-linux-6.12.machine.json';

test('a machine is described beside its recording', (t) => {
  const names = {
    'a/redis.samples.csv.zst': 'a/redis.machine.json',
    'redis.samples.csv': 'redis.machine.json',
    'redis.csv.zst': 'redis.machine.json',
    'redis.csv': 'redis.machine.json',
    redis: 'redis.machine.json',
    'my.csv.d/redis.csv': 'my.csv.d/redis.machine.json',
  };
  for (const [recording, machine] of Object.entries(names)) t.is(machineFileOf(recording), machine);
});

test('nodes are read from the file beside the recording, or from the one named', (t) => {
  const nodes = [
    { name: 'node 0', start: 0, end: 2 ** 30 },
    { name: 'node 1', start: 2 ** 30, end: 2 ** 31 },
  ];
  t.deepEqual(readMachineFile('examples/redis-linux-6.12.samples.csv.zst'), nodes);
  t.deepEqual(readMachineFile('elsewhere.csv', MACHINE), nodes);
});

test('without a description there are no nodes', (t) => {
  t.deepEqual(readMachineFile(temporaryPath('lonely.samples.csv')), []);
});

const BAD: readonly [content: string, path: RegExp, message: RegExp][] = [
  ['{"nodes": [', /machine\.json$/, /cannot be read.*JSON/],
  ['', /machine\.json$/, /cannot be read.*JSON/],
  ['[]', /machine\.json\.nodes$/, /a list/],
  ['null', /machine\.json$/, /an object/],
  ['{}', /machine\.json\.nodes$/, /a list/],
  ['{"nodes": {}}', /machine\.json\.nodes$/, /a list/],
  ['{"nodes": [{"start": 0}]}', /nodes\[0\]\.end$/, /an address/],
  ['{"nodes": [{"start": 9, "end": 9}]}', /nodes\[0\]\.end$/, /above start/],
  ['{"nodes": [{"start": "x", "end": 9}]}', /nodes\[0\]\.start$/, /an address/],
  ['{"nodes": [{"start": 0, "end": 9, "size": 9}]}', /nodes\[0\]\.size$/, /start, end, name/],
  ['{"nodes": [], "cpus": 2}', /machine\.json\.cpus$/, /nodes/],
];

test('a description that is none is refused with the file and the place in it', (t) => {
  for (const [content, path, message] of BAD) {
    const file = temporaryFile(content, 'machine.json');
    const error = t.throws(
      () => readMachineFile('a.csv', file),
      { instanceOf: DamonError },
      content,
    );
    t.is(error?.code, 'ERR_DAMON_CONFIG_MACHINE_FILE', content);
    t.true(error?.path?.startsWith(file));
    t.regex(error?.path ?? '', path);
    t.regex(error?.message ?? '', message);
  }
});

test('a description that was named must exist', (t) => {
  const file = temporaryPath('machine.json');
  const error = t.throws(() => readMachineFile('a.csv', file), { instanceOf: DamonError });
  t.is(error.code, 'ERR_DAMON_CONFIG_MACHINE_FILE');
  t.is(error.path, file);
  t.regex(error.message, /ENOENT/);
});
