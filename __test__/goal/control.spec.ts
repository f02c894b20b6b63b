import test from 'ava';

import { GoalControl, verdictsOf } from '../../src/goal/control.ts';
import { schemeSchema } from '../../src/scheme/scheme.ts';
import { resolve } from '../../src/validate.ts';

const MIB = 2 ** 20;

function controlOf(quota: object, timeoutMs = 1_000): GoalControl {
  return new GoalControl([resolve(schemeSchema, { action: 'stat', quota }, 'ERR')], timeoutMs);
}

const INPUT = { metric: 'user_input', targetValue: 10 } as const;
const call = (openings = 1) => ({ scheme: 0, openings, metrics: [{}] });
const timeNs = 5n;

test('a step tells what was read and what followed, in the words of the addon too', async (t) => {
  const control = controlOf({ szBytes: '1 MiB', tuner: 'temporal', goals: [INPUT] });
  const tuned = await control.tune([call()], { timeNs, hotBytes: [1, 2] });
  t.like(tuned[0]?.tuning, { timeNs, scheme: 0, scoreBp: 0, effectiveBytes: MIB });
  t.deepEqual(tuned[0]?.tuning.hotBytes, [1, 2]);
  t.deepEqual(verdictsOf(tuned), [{ scheme: 0, bytes: MIB }]);
  control.setGoal(0, 0, { ...INPUT, currentValue: 10 });
  const [met] = await control.tune([call()], { timeNs });
  t.like(met?.tuning, { scoreBp: 10_000, effectiveBytes: 0 });
});

test('windows that opened together are steps that follow each other', async (t) => {
  const [one, two] = [controlOf({ goals: [INPUT] }), controlOf({ goals: [INPUT] })];
  const [first] = await one.tune([call()], { timeNs });
  const [last] = await one.tune([call()], { timeNs });
  const [both] = await two.tune([call(2)], { timeNs });
  t.deepEqual(both?.tuning, last?.tuning);
  t.is(both?.bytesBefore, first?.tuning.goalBytes);
});

test('the size quota caps what is tried, not the loop', async (t) => {
  const control = controlOf({ szBytes: 4096, goals: [INPUT] });
  const [tuned] = await control.tune([call(20)], { timeNs });
  t.is(tuned?.tuning.goalBytes, 2n ** 20n);
  t.is(tuned?.tuning.effectiveBytes, 4096);
});

test('a scheme that was committed away since its window opened gets no verdict', async (t) => {
  t.deepEqual(await controlOf({}).tune([{ ...call(), scheme: 1 }], { timeNs }), []);
});

test('a metric and a tuner of the user own are asked, and told what they need', async (t) => {
  const asked: unknown[] = [];
  const metric = {
    name: 'queue',
    measure: async (moment: object) => {
      asked.push(moment);
      return Promise.resolve(5);
    },
  };
  const tuner = {
    name: 'half',
    step: (input: { scoreBp: number; szBytes: number }) => {
      asked.push({ scoreBp: input.scoreBp, szBytes: input.szBytes });
      return 4096;
    },
  };
  const control = controlOf({ szBytes: MIB, tuner, goals: [{ metric, targetValue: 10 }] });
  const tuned = await control.tune([call()], { timeNs });
  t.deepEqual(asked, [
    { timeNs, scheme: 0, goal: 0 },
    { scoreBp: 5_000, szBytes: MIB },
  ]);
  t.like(tuned[0]?.tuning, { tuner: 'half', scoreBp: 5_000, goalBytes: 4096n });
  t.deepEqual(verdictsOf(tuned), [{ scheme: 0, bytes: 4096 }]);
});

const BAD_ANSWERS: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
    /no idea/,
  ],
  ['rejects', () => Promise.reject(new Error('later')), /later/],
  ['gives NaN', () => NaN, /got `NaN`/],
  ['gives a negative number', () => -1, /got `-1`/],
  ['gives a fraction', () => 1.5, /got `1.5`/],
  ['gives text', () => '5', /got `'5'` \(string\)/],
  ['never settles', () => new Promise(() => {}), /no answer within 20 ms/],
];

for (const [what, answer, message] of BAD_ANSWERS) {
  test(`a metric that ${what} leaves the quota as it is, and says so`, async (t) => {
    const metric = { name: 'mine', measure: answer as () => number };
    const control = controlOf({ goals: [{ metric, targetValue: 10 }] }, 20);
    const [tuned] = await control.tune([call()], { timeNs });
    t.is(tuned?.tuning.failure?.code, 'ERR_DAMON_METRIC');
    t.is(tuned?.tuning.failure?.path, 'schemes[0].quota.goals[0].metric');
    t.regex(String(tuned?.tuning.failure?.message), message);
    t.deepEqual(verdictsOf(tuned ? [tuned] : []), []);
  });

  test(`a tuner that ${what} leaves the quota as it is, and says so`, async (t) => {
    const tuner = { name: 'mine', step: answer as () => number };
    const control = controlOf({ tuner, goals: [INPUT] }, 20);
    const [tuned] = await control.tune([call()], { timeNs });
    t.is(tuned?.tuning.failure?.code, 'ERR_DAMON_TUNER');
    t.is(tuned?.tuning.failure?.path, 'schemes[0].quota.tuner');
    t.regex(String(tuned?.tuning.failure?.message), message);
    t.deepEqual(verdictsOf(tuned ? [tuned] : []), []);
  });
}

/** What a goal on memory pressure reads, window by window, from the total time stalled. */
async function stalls(quota: object, goal: object, totalsUs: readonly number[]): Promise<number[]> {
  const goals = [{ metric: 'some_mem_psi_us', targetValue: 1_000, ...goal }];
  const control = controlOf({ szBytes: '1 MiB', resetIntervalMs: 100, ...quota, goals });
  const read: number[] = [];
  for (const stallUs of totalsUs) {
    const [tuned] = await control.tune([{ ...call(), metrics: [{ stallUs }] }], { timeNs });
    read.push(tuned?.tuning.goals[0]?.currentValue ?? NaN);
  }
  return read;
}

test('memory pressure is what was stalled since the window before, or of its time what was not', async (t) => {
  const totals = [70_000, 70_400, 90_400, 290_400];
  // The first has nothing before it: it counts as met, so that nothing changes.
  t.deepEqual(await stalls({ tuner: 'consist' }, {}, totals), [1_000, 400, 20_000, 200_000]);
  // Of 100,000 us, and never below 0.
  const rest = await stalls({ tuner: 'consist' }, { complement: true }, totals);
  t.deepEqual(rest, [1_000, 99_600, 80_000, 0]);
});

test('the first reading of memory pressure changes nothing: temporal goes on with what it has', async (t) => {
  // Nothing so far: met, and nothing still.
  t.deepEqual(await stalls({ tuner: 'temporal' }, {}, [70_000, 70_400]), [1_000, 400]);
  const goals = [{ metric: 'some_mem_psi_us', targetValue: 1_000 }];
  const quota = { szBytes: '1 MiB', tuner: 'temporal', goals };
  const control = controlOf(quota);
  const step = async (stallUs: number) => {
    const [tuned] = await control.tune([{ ...call(), metrics: [{ stallUs }] }], { timeNs });
    return [tuned?.tuning.goals[0]?.currentValue, tuned?.tuning.effectiveBytes];
  };
  t.deepEqual(await step(0), [1_000, 0]);
  t.deepEqual(await step(400), [400, MIB]);
  // A commit forgets what was stalled: the whole quota was allowed, and still is.
  control.commit([resolve(schemeSchema, { action: 'stat', quota }, 'ERR')]);
  t.deepEqual(await step(5_000), [0, MIB]);
  t.deepEqual(await step(5_400), [400, MIB]);
  // A commit of goals does, too.
  control.commitGoals([resolve(schemeSchema, { action: 'stat', quota }, 'ERR').quota.goals]);
  t.deepEqual(await step(9_000), [0, MIB]);
});
