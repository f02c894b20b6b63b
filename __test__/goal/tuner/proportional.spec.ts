import test from 'ava';
import fc from 'fast-check';

import type { Goal, GoalReading } from '../../../src/goal/goal.ts';
import { goalScoreBp } from '../../../src/goal/goal.ts';
import {
  ARMED_BYTES,
  BAND_BP,
  type Phase,
  missedBytes,
  phaseAfter,
  phaseOf,
  proportional,
} from '../../../src/goal/tuner/proportional.ts';
import { holds } from '../../support/property.ts';

const MIB = 2 ** 20;
/** A basis point is 4 MiB. */
const TOTAL = 10_000 * 4 * MIB;
const QUOTA = BigInt(512 * MIB);

/** A goal that reads so many basis points of {@link TOTAL}. */
function reading(currentValue: number, targetValue: number): GoalReading {
  const goal: Goal = { metric: 'node_eligible_mem_bp', nid: 0, targetValue };
  const scoreBp = Number(goalScoreBp(currentValue, targetValue));
  return {
    goal,
    currentValue,
    scoreBp,
    bytes: currentValue * 4 * MIB,
    bytesTotal: TOTAL,
  };
}

/** Bytes given after so many in the window before. */
function given(before: number | bigint, ...goals: GoalReading[]): number {
  const quotaBp = BigInt(before) * 10_000n;
  return Number(proportional({ goals, quotaBp, scoreBp: 0n, szBytes: QUOTA }) / 10_000n);
}

test('exactly the missing bytes are given, however many', (t) => {
  // 20 points; the size quota is for the caller to apply.
  t.is(given(0, reading(5_000, 7_000)), TOTAL / 5);
  t.is(given(4096, reading(6_990, 7_000)), 10 * 4 * MIB);
});

test('a goal that is met, or more than met, gives nothing', (t) => {
  t.is(given(0, reading(7_000, 7_000)), 0);
  t.is(given(TOTAL, reading(7_500, 7_000)), 0);
});

test('who rests is woken by a miss above 20 basis points only when it is seen twice', (t) => {
  t.is(given(0, reading(6_980, 7_000)), 0);
  t.is(given(0, reading(6_979, 7_000)), ARMED_BYTES);
  t.is(given(ARMED_BYTES, reading(6_979, 7_000)), 21 * 4 * MIB);
  t.is(given(ARMED_BYTES, reading(6_990, 7_000)), 0, 'it was noise');
});

test('a miss above a point is acted upon at once', (t) => {
  t.is(given(0, reading(6_900, 7_000)), ARMED_BYTES);
  t.is(given(0, reading(6_899, 7_000)), 101 * 4 * MIB);
});

test('who moves goes on until 5 basis points are left', (t) => {
  t.is(given(4096, reading(6_994, 7_000)), 6 * 4 * MIB);
  t.is(given(4096, reading(6_995, 7_000)), 0);
});

test('an armed tuner asks for less than a page, so that nothing moves', (t) => {
  t.true(ARMED_BYTES > 0 && ARMED_BYTES < 4096);
  const phases: readonly [number, Phase][] = [
    [0, 'resting'],
    [ARMED_BYTES, 'armed'],
    [4095, 'armed'],
    [4096, 'moving'],
  ];
  for (const [bytes, phase] of phases) t.is(phaseOf(bytes), phase);
});

test('of several goals the one that misses least decides', (t) => {
  t.is(given(0, reading(5_000, 7_000), reading(6_000, 7_000)), TOTAL / 10);
  t.is(given(0, reading(5_000, 7_000), reading(7_000, 7_000)), 0);
  t.is(given(0), 0, 'no goals, nothing to do');
});

test('a metric without bytes is met by that share of the size quota', (t) => {
  const goal: Goal = { metric: 'user_input', targetValue: 100, currentValue: 75 };
  t.is(given(0, { goal, currentValue: 75, scoreBp: 7_500 }), Number(QUOTA) / 4);
  t.is(given(0, { goal, currentValue: 100, scoreBp: 10_000 }), 0);
  t.is(given(0, { goal, currentValue: 300, scoreBp: 30_000 }), 0);
});

test('nothing eligible at all is nothing to move', (t) => {
  t.is(given(0, { ...reading(0, 7_000), bytes: 0, bytesTotal: 0 }), 0);
});

test('memory that goes unseen moves nothing, on whichever node it lies', (t) => {
  const share = fc.integer({ min: 1, max: 9_999 });
  const held = fc.integer({ min: 0, max: TOTAL });
  const unseen = fc.integer({ min: 0, max: TOTAL / 200 });
  holds(t, [share, held, unseen, fc.boolean()], (targetValue, bytes, hidden, isHere) => {
    const seenBytes = Math.max(0, isHere ? bytes - hidden : bytes);
    const seenElsewhere = Math.max(0, isHere ? TOTAL - bytes : TOTAL - bytes - hidden);
    const bytesTotal = seenBytes + seenElsewhere;
    const noisy = { ...reading(0, targetValue), bytes: seenBytes, bytesTotal };
    const missed = missedBytes({ ...noisy, peakBytesTotal: TOTAL }) ?? NaN;
    const truth = Math.round((TOTAL * targetValue) / 10_000) - bytes;
    // Never the other way, and never further than what is true.
    return Math.abs(missed) <= Math.abs(truth) + 1 && missed * truth >= 0;
  });
});

test('without a peak, what is read is taken for all there is', (t) => {
  const { bytes = 0, ...rest } = reading(6_900, 7_000);
  t.is(missedBytes({ ...rest, bytes }), 100 * 4 * MIB);
  const peakBytesTotal = TOTAL + 40 * 4 * MIB;
  t.is(missedBytes({ ...rest, bytes, peakBytesTotal }), (100 - 0.3 * 40) * 4 * MIB);
  // Seen from the other node, as much.
  const other = { ...reading(3_100, 3_000), peakBytesTotal };
  t.is(missedBytes(other), -(100 - 0.3 * 40) * 4 * MIB);
});

test('what is given never exceeds the miss, and a window that does it leaves nothing to do', (t) => {
  const share = fc.integer({ min: 1, max: 10_000 });
  holds(t, [share, share], (current, target) => {
    const before = reading(current, target);
    const bytes = given(4096, before);
    const after = { ...before, bytes: (before.bytes ?? 0) + bytes };
    return bytes <= Math.max(0, missedBytes(before) ?? 0) && given(bytes, after) === 0;
  });
});

test('a worse miss never calms anybody', (t) => {
  const phase = fc.constantFrom<Phase>('resting', 'armed', 'moving');
  const order: readonly Phase[] = ['resting', 'armed', 'moving'];
  const miss = fc.double({ min: 0, max: 2 * BAND_BP.certain, noNaN: true });
  holds(t, [phase, miss, miss], (before, a, b) => {
    const [less, more] = [Math.min(a, b), Math.max(a, b)];
    return order.indexOf(phaseAfter(before, less)) <= order.indexOf(phaseAfter(before, more));
  });
});
