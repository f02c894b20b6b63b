import test from 'ava';

import { GoalControl, verdictsOf } from '../../src/goal/control.ts';
import { schemeSchema } from '../../src/scheme/scheme.ts';
import { resolve } from '../../src/validate.ts';

const MIB = 2 ** 20;

function controlOf(quota: object): GoalControl {
  return new GoalControl([resolve(schemeSchema, { action: 'stat', quota }, 'ERR')]);
}

const INPUT = { metric: 'user_input', targetValue: 10 } as const;
const call = (openings = 1) => ({ scheme: 0, openings, metrics: [{}] });
const timeNs = 5n;

test('a step tells what was read and what followed, in the words of the addon too', (t) => {
  const control = controlOf({ szBytes: '1 MiB', tuner: 'temporal', goals: [INPUT] });
  const tunings = control.tune([call()], { timeNs, hotBytes: [1, 2] });
  t.like(tunings[0], { timeNs, scheme: 0, scoreBp: 0, effectiveBytes: MIB, hotBytes: [1, 2] });
  t.deepEqual(verdictsOf(tunings), [{ scheme: 0, bytes: MIB }]);
  control.setGoal(0, 0, { ...INPUT, currentValue: 10 });
  t.like(control.tune([call()], { timeNs })[0], { scoreBp: 10_000, effectiveBytes: 0 });
});

test('windows that opened together are steps that follow each other', (t) => {
  const [one, two] = [controlOf({ goals: [INPUT] }), controlOf({ goals: [INPUT] })];
  one.tune([call()], { timeNs });
  const [last] = one.tune([call()], { timeNs });
  t.deepEqual(two.tune([call(2)], { timeNs }), [last] as never);
});

test('the size quota caps what is tried, not the loop', (t) => {
  const control = controlOf({ szBytes: 4096, goals: [INPUT] });
  const [tuning] = control.tune([call(20)], { timeNs });
  t.is(tuning?.goalBytes, 2n ** 20n);
  t.is(tuning?.effectiveBytes, 4096);
});

test('a call for a scheme that is not there is a bug, not a verdict', (t) => {
  t.throws(() => controlOf({}).tune([{ ...call(), scheme: 1 }], { timeNs }), {
    instanceOf: RangeError,
  });
});
