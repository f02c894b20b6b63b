/**
 * How fast and how well a share followed its target.
 *
 * Pure statistics over one sample per second: the ramp from wherever the share started to the
 * target, then mean and spread around it. Not here: what moved the share, or how it is drawn.
 */

/** A share over time, and where it should have gone. */
export interface ConvergenceInit {
  /** What the share should be, in percent. */
  readonly target: number;
  /** The share in percent, one sample per second; `NaN` where a second has no value. */
  readonly samples: Float64Array;
  /**
   * How close to the target counts as there, in percentage points: a controller that takes steps is
   * there when it is one step away. @default 0
   */
  readonly within?: number;
}

/**
 * What became of a target. Where the target was never reached there is nothing to average, and
 * all results but `target` and `samples` are `null`.
 */
export interface Convergence {
  /** What the share should be, in percent. */
  readonly target: number;
  /** Mean share after the ramp, in percent. */
  readonly mean: number | null;
  /** `mean - target`, in percentage points. */
  readonly offset: number | null;
  /** Sample standard deviation after the ramp, in percentage points; `null` below two samples. */
  readonly stddev: number | null;
  /** Seconds until the share first reached the target; 0 when it started there. */
  readonly rampSeconds: number | null;
  /**
   * How far the share went past the target after the ramp, seen from where it started, in
   * percentage points; minimum 0. For a share that started at the target, the larger excursion.
   */
  readonly overshoot: number | null;
  /** Seconds after the ramp that have a value: what `mean` and `stddev` rest on. */
  readonly samples: number;
}

/** A target that holds from a second on, until the next one. */
export interface TargetStep {
  /** First second the target holds for. */
  readonly fromSecond: number;
  /** The target, in percent. */
  readonly target: number;
}

/** One stretch of a run under one target: a row of the demo table. */
export interface ConvergenceRow extends Convergence {
  /** First second of the stretch. */
  readonly fromSecond: number;
  /** First second after the stretch. */
  readonly toSecond: number;
}

/**
 * Splits a series into the ramp and what follows, and describes both.
 *
 * The ramp ends with the first sample that touches the target (or comes `within`), or lies beyond it,
 * seen from the first sample; that sample already counts towards the mean.
 *
 * @example
 * ```ts
 * import { convergence } from 'node-damon';
 *
 * const { mean, rampSeconds } = convergence({ target: 70, samples: Float64Array.of(50, 60, 70, 71, 69) });
 * console.log(mean, rampSeconds); // 70 2
 * ```
 */
export function convergence({ target, samples, within = 0 }: ConvergenceInit): Convergence {
  const first = samples.find(Number.isFinite);
  // +1 when the share comes from below, -1 from above, 0 when it starts at the target.
  const direction = Math.sign(target - (first ?? NaN));
  const rampSeconds = samples.findIndex((share) => (share - target) * direction >= -within);
  if (rampSeconds < 0) {
    return {
      target,
      mean: null,
      offset: null,
      stddev: null,
      rampSeconds: null,
      overshoot: null,
      samples: 0,
    };
  }
  const settled = samples.subarray(rampSeconds).filter(Number.isFinite);
  const mean = sum(settled) / settled.length;
  const variance = sum(settled.map((share) => (share - mean) ** 2)) / (settled.length - 1);
  const excursion = (share: number): number =>
    direction === 0 ? Math.abs(share - target) : (share - target) * direction;
  return {
    target,
    mean,
    offset: mean - target,
    stddev: settled.length > 1 ? Math.sqrt(variance) : null,
    rampSeconds,
    overshoot: settled.reduce((most, share) => Math.max(most, excursion(share)), 0),
    samples: settled.length,
  };
}

/**
 * One {@link convergence} per target of a run whose target was changed while it ran. The ramp of
 * a later target starts at the second of the change.
 *
 * @example
 * ```ts
 * import { convergenceRows } from 'node-damon';
 *
 * const share = Float64Array.of(50, 70, 70, 80, 90, 90);
 * const rows = convergenceRows(share, [
 *   { fromSecond: 0, target: 70 },
 *   { fromSecond: 3, target: 90 },
 * ]);
 * console.log(rows.map(({ rampSeconds }) => rampSeconds).join(' ')); // 1 1
 * ```
 */
export function convergenceRows(
  share: Float64Array,
  targets: readonly TargetStep[],
  within = 0,
): ConvergenceRow[] {
  return targets.map(({ fromSecond, target }, i) => {
    const toSecond = Math.min(targets[i + 1]?.fromSecond ?? share.length, share.length);
    const samples = share.subarray(fromSecond, Math.max(fromSecond, toSecond));
    return { ...convergence({ target, samples, within }), fromSecond, toSecond };
  });
}

/** What a ramp takes at the least. */
export interface LeastRamp {
  /** By node: bytes it lacks, below 0 for too many. */
  readonly missed: readonly number[];
  /** How much less than that counts as there. */
  readonly withinBytes: number;
  /** Bytes that may move from one node to another per window. */
  readonly szBytes: number;
  /** Seconds per window. */
  readonly windowSeconds: number;
}

/**
 * Seconds of a ramp whose every window moves as much as the size quotas let it, and nothing twice: a node
 * gives to those that lack, and gets from those that have too much, no more than they miss.
 */
export function leastRampSeconds(ramp: LeastRamp): number {
  const windows = ramp.missed.map((bytes) => leastWindows(bytes, ramp));
  return Math.max(0, ...windows) * ramp.windowSeconds;
}

/** Windows until one node is there. */
function leastWindows(bytes: number, { missed, withinBytes, szBytes }: LeastRamp): number {
  const others = missed.filter((other) => other * bytes < 0).map(Math.abs);
  const movedIn = (windows: number): number =>
    others.reduce((moved, other) => moved + Math.min(other, windows * szBytes), 0);
  // Rounding may leave a node short of what the others have.
  const most = Math.ceil(Math.max(0, ...others) / szBytes);
  let windows = 0;
  while (windows < most && movedIn(windows) < Math.abs(bytes) - withinBytes) windows += 1;
  return windows;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
