import test from 'ava';

import { Dir, unfit } from '../../src/admin/node.ts';
import { ADMIN } from '../../src/admin/schema.ts';

function context(): Dir {
  const kdamonds = new Dir(ADMIN).dir('kdamonds');
  kdamonds.recreate(1);
  const contexts = kdamonds.at(0).dir('contexts');
  contexts.recreate(1);
  return contexts.at(0);
}

test('a directory keeps what is in it until it is made anew', (t) => {
  const schemes = context().dir('schemes');
  schemes.recreate(2);
  const [first, second] = schemes.numbered();
  t.true(schemes.at(0) === first);
  t.true(schemes.find('1') === second);
  first?.set('apply_interval_us', 5n);
  t.is(schemes.at(0).u64('apply_interval_us'), 5n);
  schemes.recreate(2);
  t.false(schemes.at(0) === first);
  t.is(schemes.at(0).u64('apply_interval_us'), 0n);
  t.is(schemes.at(1).path, 'kdamonds/0/contexts/0/schemes/1');
});

test('asking for what a directory cannot have is a bug', (t) => {
  const dir = context();
  const [range, type] = [{ instanceOf: RangeError }, { instanceOf: TypeError }];
  t.throws(() => dir.at(0), range);
  t.throws(() => dir.dir('schemes').at(0), range);
  t.throws(() => dir.dir('addr_unit'), range);
  t.throws(() => dir.dir('nothing'), range);
  t.throws(() => dir.get('schemes'), range);
  t.throws(() => dir.get('avail_operations'), range);
  t.throws(() => dir.shown('nothing'), range);
  t.throws(() => dir.u64('pause'), type);
  t.throws(() => dir.flag('addr_unit'), type);
  t.throws(() => dir.text('addr_unit'), type);
  t.throws(() => dir.list('operations'), type);
  t.throws(() => dir.word('operations', ['paddr']), type);
  t.is(dir.wordAmong('operations', ['paddr']), undefined);
  t.is(dir.word('operations', ['paddr', 'vaddr']), 'vaddr');
});

test('a file at fault is told with what it shows', (t) => {
  const dir = context();
  t.like(unfit(dir, 'pause', 'Y'), {
    code: 'ERR_DAMON_ADMIN_EINVAL',
    path: 'kdamonds/0/contexts/0/pause',
    expected: 'Y',
    received: 'N',
  });
  t.is(unfit(dir, 'pause', 'Y', 'ENOMEM').errno, 12);
});
