import { readFileSync, writeFileSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';

import test from 'ava';

import { progressBar, rendering, write, writeWhole } from '../../src/cli/output.ts';
import { temporaryPath } from '../support/small.ts';

const terminal = () => Object.assign(new PassThrough(), { isTTY: true, columns: 120 });

test('progress is shown on a terminal only', (t) => {
  const progress = { done: 5, total: 10, unit: 'seconds' } as const;
  const outputs = [terminal(), new PassThrough()].map((stream) => {
    const bar = progressBar(stream, 'replay');
    bar.onProgress(progress);
    bar.stop();
    return String(stream.read() ?? '');
  });
  t.regex(outputs[0] ?? '', /replay.*50 %/);
  t.is(outputs[1], '');
});

test('a stream without a width is taken for 100 columns, one that is no terminal for plain', (t) => {
  t.is(rendering(terminal()).width, 120);
  t.is(rendering(new PassThrough()).width, 100);
  const forced = process.env['FORCE_COLOR'];
  delete process.env['FORCE_COLOR'];
  t.is(rendering(new PassThrough()).colorLevel, 0);
  if (forced !== undefined) process.env['FORCE_COLOR'] = forced;
});

test('a writer waits while its reader is behind', async (t) => {
  const done: (() => void)[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, next) => void done.push(next),
  });
  let written = false;
  const writing = write(slow, 'text').then(() => (written = true));
  await new Promise(setImmediate);
  t.false(written);
  done.pop()?.();
  await writing;
  t.true(written);
});

test('a file is replaced whole, or kept as it was', async (t) => {
  const path = temporaryPath('report.html');
  writeFileSync(path, 'old');
  await writeWhole(path, 'new');
  t.is(readFileSync(path, 'utf8'), 'new');
  const inside = `${path}/report.html`;
  const error = await t.throwsAsync(writeWhole(inside, 'newer'), { code: 'ERR_DAMON_OUTPUT' });
  t.true(error?.message.includes(inside));
  t.is(readFileSync(path, 'utf8'), 'new');
});
