import test from 'ava';

import { GoalControl, verdictsOf } from '../../src/goal/control.ts';
import { schemeSchema } from '../../src/scheme/scheme.ts';
import { resolve } from '../../src/validate.ts';

const MIB = 2 ** 20;

function controlOf(quota: object, timeoutMs = 1_000): GoalControl {
  return new GoalControl([resolve(schemeSchema, { action: 'stat', quota }, 'ERR')], timeoutMs);
}

const INPUT = { metric: 'user_input', targetValue: 10 } as const;
const call = (openings = 1) => ({ scheme: 0, openings, effectiveSzBytes: 0, metrics: [{}] });
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

/** Apart, as an object with such a method is mostly a mistake. */
const THEN: string = ['th', 'en'].join('');

const BAD_ANSWERS: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'throws',
    () => {
      throw new Error('no idea');
    },
    /no idea/,
  ],
  [
    'throws what is no text',
    () => {
      throw Object.create(null);
    },
    /failed: \[Object: null prototype\]/,
  ],
  [
    'throws what cannot be shown',
    () => {
      throw new (class extends Error {
        override get message(): string {
          throw new Error('no');
        }
      })();
    },
    /failed: with what cannot be shown/,
  ],
  ['rejects', () => Promise.reject(new Error('later')), /later/],
  ['rejects with what is no text', () => Promise.reject(Object.create(null)), /null prototype/],
  ['gives NaN', () => NaN, /got `NaN`/],
  ['gives a negative number', () => -1, /got `-1`/],
  ['gives a fraction', () => 1.5, /got `1.5`/],
  ['gives text', () => '5', /got `'5'` \(string\)/],
  ['never settles', () => new Promise(() => {}), /no answer within 20 ms/],
  ['never settles, of another make', () => ({ [THEN]: () => {} }), /no answer within 20 ms/],
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
  let effectiveSzBytes = 0;
  const step = async (stallUs: number) => {
    const asked = { ...call(), effectiveSzBytes, metrics: [{ stallUs }] };
    const [tuned] = await control.tune([asked], { timeNs });
    effectiveSzBytes = tuned?.tuning.effectiveBytes ?? NaN;
    return [tuned?.tuning.goals[0]?.currentValue, effectiveSzBytes];
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

test('a scheme with a size quota that gets a goal on memory pressure works on', async (t) => {
  const goals = [{ metric: 'some_mem_psi_us', targetValue: 1_000 }];
  const first = async (tuner: string, effectiveSzBytes: number) => {
    const control = controlOf({ szBytes: '1 MiB', tuner, goals });
    const asked = { ...call(), effectiveSzBytes, metrics: [{ stallUs: 70_000 }] };
    const [tuned] = await control.tune([asked], { timeNs });
    return [tuned?.tuning.goals[0]?.currentValue, tuned?.tuning.effectiveBytes];
  };
  t.deepEqual(await first('temporal', MIB), [0, MIB]);
  t.deepEqual(await first('temporal', 0), [1_000, 0]);
  // Met, so the loop stays where it is: at its least.
  t.deepEqual(await first('consist', MIB), [1_000, 1]);
});

test('a stall that became less is not measured, and the next is since then', async (t) => {
  const goals = [{ metric: 'some_mem_psi_us', targetValue: 1_000 }];
  const control = controlOf({ tuner: 'consist', goals });
  const step = async (stallUs: number) =>
    (await control.tune([{ ...call(), metrics: [{ stallUs }] }], { timeNs }))[0]?.tuning;
  await step(500);
  t.like(await step(499), { goals: [], goalBytes: 1n, failure: { code: 'ERR_DAMON_METRIC' } });
  t.is((await step(600))?.goals[0]?.currentValue, 101);
});

test('a goal that is set keeps what is left out', async (t) => {
  const share = { metric: 'node_mem_used_bp', nid: 0, targetValue: 5_000 } as const;
  const goals = [
    { ...share, complement: true },
    { ...INPUT, currentValue: 7 },
  ];
  const control = controlOf({ goals });
  const read = async () => {
    const [tuned] = await control.tune([{ ...call(), metrics: [{ valueBp: 1_000 }, {}] }], {
      timeNs,
    });
    return tuned?.tuning.goals.map(({ currentValue, scoreBp }) => [currentValue, scoreBp]);
  };
  const [before] = control.schemes;
  control.setGoal(0, 0, { ...share, targetValue: 6_000 });
  control.setGoal(0, 1, { ...INPUT, targetValue: 14 });
  t.deepEqual(await read(), [
    [9_000, 15_000],
    [7, 5_000],
  ]);
  t.deepEqual(control.schemes[0]?.quota.goals, [
    { ...share, complement: true, targetValue: 6_000 },
    { ...INPUT, targetValue: 14, currentValue: 7 },
  ]);
  t.like(before?.quota.goals[0], { targetValue: 5_000 });
  control.setGoal(0, 0, { ...share, complement: true, targetValue: 9_000 });
  control.setGoal(0, 1, { ...INPUT, currentValue: 0 });
  t.deepEqual(await read(), [
    [9_000, 10_000],
    [0, 0],
  ]);
  t.throws(() => control.setGoal(0, 0, { ...share, complement: false }), {
    code: 'ERR_DAMON_CONFIG_GOAL',
    message: /metric, node and complement/,
  });
});

test('a metric and a tuner keep their state, and a goal with such a metric can be set', async (t) => {
  class Steps {
    readonly name = 'steps';
    #taken = 0;
    step(): number {
      return ++this.#taken;
    }
  }
  class Asked {
    readonly name = 'asked';
    asked = 0;
    measure(): number {
      return ++this.asked;
    }
  }
  const metric = new Asked();
  const control = controlOf({ tuner: new Steps(), goals: [{ metric, targetValue: 10 }] });
  const step = async () => (await control.tune([call()], { timeNs }))[0]?.tuning;
  t.like(await step(), { scoreBp: 1_000, goalBytes: 1n });
  control.setGoal(0, 0, { metric, targetValue: 20 });
  t.like(await step(), { scoreBp: 1_000, goalBytes: 2n });
  t.is(metric.asked, 2);
  t.throws(() => control.setGoal(0, 0, { metric: new Asked(), targetValue: 20 }), {
    code: 'ERR_DAMON_CONFIG_GOAL',
  });
});

test('a commit while a step waits does not mix what was measured with other goals', async (t) => {
  let answer: ((bytes: number) => void) | undefined;
  const answered = new Promise<number>((resolved) => (answer = resolved));
  const slow = { name: 'slow', step: async () => answered };
  const schemes = (metric: string, tuner: object | string) =>
    [
      { tuner, goals: [INPUT] },
      { tuner: 'temporal', szBytes: MIB, goals: [{ metric, nid: 0, targetValue: 5_000 }] },
    ].map((quota) => resolve(schemeSchema, { action: 'stat', quota }, 'ERR'));
  const control = new GoalControl(schemes('node_mem_used_bp', slow), 1_000);
  const calls = [call(), { ...call(), scheme: 1, metrics: [{ valueBp: 1_000 }] }];
  const tuning = control.tune(calls, { timeNs });
  control.commit(schemes('node_mem_free_bp', 'consist'));
  answer?.(3);
  const [first, second] = await tuning;
  t.is(first?.tuning.tuner, 'slow');
  t.like(second?.tuning.goals[0], { goal: { metric: 'node_mem_used_bp' }, scoreBp: 2_000 });
  // What it answered is where the other tuner begins.
  const [next] = await control.tune([call()], { timeNs });
  t.like(next?.tuning, { tuner: 'consist', goalBytes: 6n });
});

test('a tuner that fails in the second of two windows leaves the quota as it was before both', async (t) => {
  let steps = 0;
  const tuner = { name: 'once', step: () => (++steps === 2 ? NaN : 8192 + steps) };
  const control = controlOf({ tuner, goals: [INPUT] });
  const [failed] = await control.tune([call(2)], { timeNs });
  t.like(failed?.tuning, { goalBytes: 0n, failure: { code: 'ERR_DAMON_TUNER' } });
  const [next] = await control.tune([call()], { timeNs });
  t.is(next?.tuning.goalBytes, 8195n);
});
