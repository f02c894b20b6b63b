/**
 * What a few independent results say about the mean of all: its confidence interval.
 *
 * Mean and spread are simple-statistics'; the quantile of Student's distribution, which it lacks, has
 * a closed form for whole degrees of freedom. Not here: what the results are.
 */
import { createRequire } from 'node:module';

import type * as Statistics from 'simple-statistics';

// Loaded by the first interval: only studies ask for one.
const require = createRequire(import.meta.url);

/** The mean of some results, and how sure that is. */
export interface MeanInterval {
  /** How many results. */
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation of the results; `null` of fewer than two. */
  readonly stddev: number | null;
  /** Half the width of the interval around `mean`; `null` of fewer than two. */
  readonly halfWidth: number | null;
}

const CONFIDENCE = 0.95;

/** The mean with its 95 % interval by Student's t; `undefined` of nothing. */
export function meanInterval(results: readonly number[]): MeanInterval | undefined {
  const count = results.length;
  if (count === 0) return undefined;
  const values = [...results];
  const { mean, sampleStandardDeviation } = require('simple-statistics') as typeof Statistics;
  if (count === 1) return { count, mean: mean(values), stddev: null, halfWidth: null };
  const stddev = sampleStandardDeviation(values);
  const t = studentQuantile((1 + CONFIDENCE) / 2, count - 1);
  return { count, mean: mean(values), stddev, halfWidth: (t * stddev) / Math.sqrt(count) };
}

/** The mean of several series and its 95 % interval, value by value; `NaN` where none has one. */
export interface Band {
  readonly mean: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** The band around several series, as long as the longest. */
export function meanBand(all: readonly Float64Array[]): Band {
  const length = Math.max(0, ...all.map((series) => series.length));
  const empty = (): Float64Array => new Float64Array(length).fill(NaN);
  const band = { mean: empty(), low: empty(), high: empty() };
  for (let i = 0; i < length; i++) {
    const interval = meanInterval(all.map((series) => series[i] ?? NaN).filter(Number.isFinite));
    if (interval === undefined) continue;
    band.mean[i] = interval.mean;
    band.low[i] = interval.mean - (interval.halfWidth ?? 0);
    band.high[i] = interval.mean + (interval.halfWidth ?? 0);
  }
  return band;
}

/**
 * The value below which a `t` of that many degrees of freedom lies with a probability above 1/2.
 * Bisection of the distribution function, to the last bit of a number.
 */
export function studentQuantile(probability: number, degrees: number): number {
  let [low, high] = [0, 1];
  while (studentProbability(high, degrees) < probability) high *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (studentProbability(middle, degrees) < probability) low = middle;
    else high = middle;
  }
}

/** Probability that a `t` lies below a value of at least 0: Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function studentProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = degrees % 2 === 1;
  // 1 + (2/3) cos² + (2·4)/(3·5) cos⁴ … for odd degrees, 1 + (1/2) cos² + (1·3)/(2·4) cos⁴ … for even.
  let term = isOdd ? cosine : 1;
  let series = degrees > 1 ? term : 0;
  for (let i = isOdd ? 2 : 1; i <= degrees - 3; i += 2) {
    term *= (i / (i + 1)) * cosine ** 2;
    series += term;
  }
  const central = isOdd ? (2 / Math.PI) * (angle + sine * series) : sine * series;
  return (1 + central) / 2;
}
