import test from 'ava';

import { DamonError, Kdamond, type OperationsSet, OperationsRegistry } from '../../src/index.ts';
import { QUICK, toy } from '../support/toy.ts';

const is = (code: string) => ({ instanceOf: DamonError, code });
const BUSY = is('ERR_DAMON_OPERATIONS_BUSY');
const UNKNOWN = is('ERR_DAMON_OPERATIONS_UNKNOWN');

function monitorOf(registry: OperationsRegistry, name = 'toy'): Kdamond {
  return new Kdamond({ source: { type: 'operations', registry, name }, ...QUICK });
}

test('sets are registered once by name and listed: the kernel’s names first', (t) => {
  const registry = new OperationsRegistry();
  t.deepEqual(registry.available, []);
  const owner = registry.register(toy());
  registry.register(toy({ name: 'another' }));
  registry.register(toy({ name: 'paddr' }));
  t.is(owner.name, 'toy');
  t.deepEqual(registry.available, ['paddr', 'another', 'toy']);
  t.throws(() => registry.register(toy()), is('ERR_DAMON_OPERATIONS_REGISTERED'));
  t.throws(
    () => registry.register(toy({ addresses: 'virtual' })),
    is('ERR_DAMON_OPERATIONS_REGISTERED'),
  );
  registry.unregister('another');
  t.throws(() => registry.unregister('another'), UNKNOWN);
  t.deepEqual(registry.available, ['paddr', 'toy']);
});

test('a set in use is not unregistered, and is when its monitor is closed', (t) => {
  const registry = new OperationsRegistry();
  registry.register(toy());
  const [first, second] = [monitorOf(registry), monitorOf(registry)];
  t.throws(() => registry.unregister('toy'), BUSY);
  first.close();
  t.throws(() => registry.unregister('toy'), BUSY);
  second.close();
  registry.unregister('toy');
  const { message } = t.throws(() => monitorOf(registry), UNKNOWN) as Error;
  t.regex(message, /there is none/);
});

test('a closed owner gives its set to no new monitor and takes it from none', async (t) => {
  const registry = new OperationsRegistry();
  const owner = registry.register(toy());
  const kdamond = monitorOf(registry);
  await kdamond.run({ untilMs: 50 });
  t.false(owner.close());
  t.true(owner.closed);
  t.false(owner.close(), 'closing twice is harmless');
  t.deepEqual(registry.available, []);
  t.throws(() => monitorOf(registry), UNKNOWN);
  t.throws(() => registry.register(toy()), BUSY);
  await kdamond.run({ untilMs: 100 });
  t.is(kdamond.lastFailure, undefined, 'the monitor that has it goes on asking it');
  kdamond.close();
  t.true(owner.close());
  t.deepEqual(registry.register(toy()).name, 'toy');
});

test('a commit switches between sets: takes hold of the new one before it lets go of the old', async (t) => {
  const registry = new OperationsRegistry();
  const seen: string[] = [];
  const watched = (name: string): OperationsSet => {
    const set = toy({ name });
    return {
      ...set,
      checkAccesses: (...args) => {
        seen.push(name);
        return set.checkAccesses?.(...args);
      },
    };
  };
  registry.register(watched('one'));
  const owner = registry.register(watched('two'));
  const kdamond = monitorOf(registry, 'one');
  await kdamond.run({ untilMs: 10 });
  await kdamond.commit({ ...QUICK_CONTEXT, operations: 'two' });
  t.throws(() => registry.unregister('one'), BUSY, 'until the commit takes effect');
  t.throws(() => registry.unregister('two'), BUSY, 'from the commit on');
  await kdamond.run({ untilMs: 20 });
  t.deepEqual(seen, ['one', 'one', 'one', 'two']);
  registry.unregister('one');

  registry.register(watched('one'));
  owner.close();
  await kdamond.commit({ ...QUICK_CONTEXT, operations: 'one' });
  await kdamond.run({ untilMs: 30 });
  t.is(kdamond.config.operations, 'one');
  await t.throwsAsync(kdamond.commit({ ...QUICK_CONTEXT, operations: 'two' }), UNKNOWN);
  t.is(kdamond.config.operations, 'one', 'a refusal leaves everything as it was');
  kdamond.close();
});

const QUICK_CONTEXT = { attrs: QUICK.attrs };

test('what is no set is refused by the field', (t) => {
  const registry = new OperationsRegistry();
  const wrong: readonly [Partial<Record<keyof OperationsSet, unknown>>, string][] = [
    [{ name: '' }, 'set.name'],
    [{ name: 'a b' }, 'set.name'],
    [{ name: 'x'.repeat(32) }, 'set.name'],
    [{ name: 3 }, 'set.name'],
    [{ addresses: 'both' }, 'set.addresses'],
    [{ sees: 'nothing' }, 'set.sees'],
    [{ checkAccesses: undefined }, 'set.checkAccesses'],
    [{ checkAccesses: 1 }, 'set.checkAccesses'],
    [{ sees: 'reports' }, 'set.report'],
    [{ apply: undefined }, 'set.apply'],
    [{ read: 'free' }, 'set.read'],
  ];
  for (const [change, path] of wrong) {
    const error = t.throws(() => registry.register({ ...toy(), ...change } as never), {
      instanceOf: DamonError,
    });
    t.is(error?.code, 'ERR_DAMON_CONFIG_OPERATIONS');
    t.is(error?.path, path);
  }
  // One of the kernel's names, over addresses of the other kind.
  const code = 'ERR_DAMON_CONFIG_OPERATIONS';
  t.throws(() => registry.register(toy({ name: 'vaddr' })), is(code));
  t.throws(() => registry.register(undefined as never), is(code));
  t.deepEqual(registry.available, []);
});
