/**
 * Schemes that hold hot memory on any number of nodes in given shares, from one vector of weights.
 *
 * The kernel's recipe is a `migrate_hot` scheme from each node to each other, n(n − 1) of them, each
 * with the destination's target (`hardware-sampling.md` 9.3). As a scheme's best-met goal decides, it
 * then also takes from nodes that have no surplus. Here a scheme rests unless its source has too much
 * and its destination too little, and their transfers add up:
 *
 * | `tuner` | a scheme's goals | what it may move in a window |
 * | --- | --- | --- |
 * | `temporal`, `consist` | destination's share; what the source does not hold (`complement`) | as the kernel |
 * | `proportional` | all shares | its part of the missing bytes, nothing within the dead band |
 * | with `heldBytes` | `user_input` | the same, worked out before the schemes are committed |
 *
 * **On a kernel.** No kernel has the tuner `proportional`, but it has all it takes. Once per window
 * user space counts what each node holds (`/proc/PID/numa_maps` of the workload, or the tried regions
 * of `stat` schemes, one per node), asks `sharesPhase` whether that is worth a move, calls this with
 * `heldBytes` and the phase, writes each scheme's `szBytes` to `quotas/bytes` and its goal's
 * `currentValue` to `quotas/goals/0/current_value` (target 1: a 1 makes `temporal` rest, a 0 makes it
 * spend the size quota), and commits. A window that opens then allows exactly those bytes.
 *
 * For more than two nodes the first row needs a kernel whose goals know `complement`, the others one
 * whose quotas know `fail_charge_num`. All schemes of a source go for its hottest regions, in the same
 * round: who comes second finds that they have just left, and must not pay for it with its quota.
 *
 * **No page moves back and forth** in the other two rows. For two nodes the misses are each other's
 * negatives, for more a node has a surplus or a lack, never both: of two schemes with opposite ways at
 * most one works in a window, and within the dead band none does. What comes first is hot and old, so
 * what has just arrived (age 0) goes last. The pattern must not ask for age, though: it also says what
 * the metric counts, and memory that has just arrived would be missing there for as long.
 */
import { refuse } from '../errors.ts';
import type { NodeGoalOptions } from '../goal/goal.ts';
import { missedByNode, transferBytes, worstMissBp } from '../goal/transfer.ts';
import {
  type Phase,
  bytesIn,
  missedBytes,
  phaseAfter,
  phaseOf,
} from '../goal/tuner/proportional.ts';
import type { CustomTuner } from '../goal/tuner/tuner.ts';
import type { TunerName } from '../goal/tuner/tuners.ts';
import type { RangeOptions } from '../monitor/memory.ts';
import { type Bytes, type Duration, quantity } from '../units.ts';
import type { FailChargeOptions, QuotaOptions } from './quota.ts';
import type { PatternOptions, SchemeOptions } from './scheme.ts';

/** A node that is to hold a share. */
export interface ShareNode extends RangeOptions {
  readonly id: number;
  /** @default `node <id>` */
  readonly name?: string;
}

/** How much may move. */
export interface TransferOptions {
  /** Bytes each scheme may move per window. Minimum: 4096. @default "512 MiB" */
  readonly szBytes?: Bytes;
  /** Length of a window. @default "1 s" */
  readonly resetIntervalMs?: Duration;
}

/** What to hold, where, and how hard to work for it. */
export interface HoldSharesOptions extends TransferOptions {
  /** At least two. */
  readonly nodes: readonly ShareNode[];
  /** By node, such as `[5, 3, 2]`: each above 0. */
  readonly weights: readonly number[];
  /** @default "proportional" */
  readonly tuner?: TunerName;
  /**
   * By node: bytes it holds now, as user space counts them. The schemes are then steered by
   * `user_input` and their size quotas alone: commit them anew, once per window.
   */
  readonly heldBytes?: readonly number[];
  /** With `heldBytes`: whether anything is to move, see `sharesPhase`. @default "moving" */
  readonly phase?: Phase;
}

const CODE = 'ERR_DAMON_CONFIG_SHARES';
const BP = 10_000;
const PAGE = 4096;

/** Only what moved is charged. */
const NOTHING_FOR_FAILURE: FailChargeOptions = { numerator: 0, denominator: 1 };

/** What steers a scheme. */
type Steering = Pick<QuotaOptions, 'goals' | 'tuner' | 'szBytes' | 'failCharge'>;

/** What such schemes call hot. */
export const HOT: PatternOptions = { nrAccesses: { min: 1 } };

/**
 * The schemes, by destination, then by source.
 *
 * @example
 * ```ts
 * import { Kdamond, RFC_MACHINE, holdShares } from 'node-damon';
 *
 * const nodes = RFC_MACHINE.nodes.map(({ start, end }, id) => ({ id, start, end }));
 * using kdamond = new Kdamond({ source: RFC_MACHINE, schemes: holdShares({ nodes, weights: [7, 3] }) });
 * await kdamond.run({ untilMs: '2 s' });
 * ```
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SHARES`
 */
export function holdShares(options: HoldSharesOptions): SchemeOptions[] {
  const { nodes } = options;
  check(options);
  const targetsBp = sharesBp(options.weights);
  return nodes.flatMap((to, destination) =>
    nodes.flatMap((from, source) =>
      source === destination
        ? []
        : [
            migrateHot({
              ...options,
              name: `${nameOf(from)} to ${nameOf(to)}`,
              from,
              to,
              steering: steering(options, targetsBp, source, destination),
            }),
          ],
    ),
  );
}

/**
 * Weights as basis points that add up to 10000: the largest remainders are rounded up.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_SHARES` for weights that are not numbers above 0, or so
 *   different that one would get nothing
 */
export function sharesBp(weights: readonly number[]): number[] {
  weights.forEach((weight, i) => {
    if (weight > 0 && Number.isFinite(weight)) return;
    throw refused(`weights[${i}]`, 'a number above 0', weight);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (weight / total) * BP);
  const shares = exact.map(Math.floor);
  const left = BP - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact
    .map((share, i) => ({ i, remainder: share - Math.floor(share) }))
    .toSorted((a, b) => b.remainder - a.remainder || a.i - b.i);
  for (const { i } of byRemainder.slice(0, left)) shares[i] = (shares[i] ?? 0) + 1;
  const nothing = shares.indexOf(0);
  if (nothing >= 0) {
    throw refused(`weights[${nothing}]`, 'at least 1/10000 of all weights', weights[nothing]);
  }
  return shares;
}

/**
 * Whether user space is to move anything in the window to come, by what each node holds now: what the
 * tuner `proportional` decides for itself. The first window's `before` is `resting`.
 *
 * @example
 * ```ts
 * import { type Phase, holdShares, sharesPhase } from 'node-damon';
 *
 * const nodes = [
 *   { id: 0, start: 0, end: '1 GiB' },
 *   { id: 1, start: '1 GiB', end: '2 GiB' },
 * ];
 * const weights = [7, 3];
 * let phase: Phase = 'resting';
 * // Once per window:
 * const heldBytes = [2 ** 28, 2 ** 28];
 * phase = sharesPhase({ weights, heldBytes }, phase);
 * const schemes = holdShares({ nodes, weights, heldBytes, phase });
 * console.log(phase, schemes.length);
 * ```
 */
export function sharesPhase(
  { weights, heldBytes = [] }: Pick<HoldSharesOptions, 'weights' | 'heldBytes'>,
  before: Phase,
): Phase {
  const total = heldBytes.reduce((sum, bytes) => sum + bytes, 0);
  return phaseAfter(before, worstMissBp(missedByNode(heldBytes, sharesBp(weights)), total));
}

/** A scheme of the pair's kind: hot memory that lies on one node goes to another. */
export function migrateHot({
  name,
  from,
  to,
  steering: steered,
  szBytes = '512 MiB',
  resetIntervalMs = '1 s',
}: TransferOptions & {
  readonly name: string;
  readonly from: ShareNode;
  readonly to: ShareNode;
  readonly steering: Steering;
}): SchemeOptions {
  return {
    name,
    action: 'migrate_hot',
    targetNid: to.id,
    pattern: HOT,
    quota: {
      szBytes,
      resetIntervalMs,
      weights: { nrAccessesPermil: 1000, agePermil: 1000 },
      ...steered,
    },
    filters: [
      { type: 'addr', range: { start: from.start, end: from.end }, matching: true, allow: true },
    ],
  };
}

function steering(
  {
    nodes,
    tuner = 'proportional',
    heldBytes,
    phase = 'moving',
    szBytes = '512 MiB',
  }: HoldSharesOptions,
  targetsBp: readonly number[],
  source: number,
  destination: number,
): Steering {
  // Of two nodes, each is the source of one scheme.
  const charge = nodes.length > 2 && { failCharge: NOTHING_FOR_FAILURE };
  if (heldBytes !== undefined) {
    const missed = missedByNode(heldBytes, targetsBp);
    const wanted = phase === 'moving' ? transferBytes(missed, source, destination) : 0;
    return { ...userInput(Math.min(wanted, quantity(szBytes, 'bytes', 'szBytes'))), ...charge };
  }
  const share = (node: number): NodeGoalOptions => ({
    metric: 'node_eligible_mem_bp',
    nid: nodes[node]?.id ?? node,
    targetValue: targetsBp[node] ?? 0,
  });
  if (tuner === 'proportional') {
    const goals = nodes.map((_, node) => share(node));
    return { goals, tuner: transfer(source, destination), ...charge };
  }
  // Of two nodes, either goal says what the other does.
  const rest = { ...share(source), targetValue: BP - (targetsBp[source] ?? 0), complement: true };
  return { goals: nodes.length > 2 ? [share(destination), rest] : [share(destination)], tuner };
}

/** A window of so many bytes, said in the kernel's words. */
function userInput(bytes: number): Steering {
  // Less than a page is not a quota, and would move nothing.
  const currentValue = bytes < PAGE ? 1 : 0;
  return {
    szBytes: Math.max(PAGE, bytes),
    goals: [{ metric: 'user_input', targetValue: 1, currentValue }],
    tuner: 'temporal',
  };
}

/** The part of one pair of nodes in what is to be moved, from the shares of all. */
function transfer(source: number, destination: number): CustomTuner {
  return {
    name: 'proportional',
    step: ({ goals, bytes }) => {
      const missed = goals.map((reading) => missedBytes(reading) ?? 0);
      const missedBp = worstMissBp(missed, goals[0]?.bytesTotal ?? 0);
      const wanted = transferBytes(missed, source, destination);
      // Who has no part in it stays at rest.
      return wanted === 0 ? 0 : bytesIn(phaseAfter(phaseOf(bytes), missedBp), wanted);
    },
  };
}

function check({ nodes, weights, heldBytes }: HoldSharesOptions): void {
  if (nodes.length < 2) throw refused('nodes', 'at least two nodes', nodes);
  nodes.forEach(({ id }, i) => {
    if (nodes.findIndex((node) => node.id === id) === i) return;
    throw refused(`nodes[${i}].id`, 'the id of no node before it', id);
  });
  if (weights.length !== nodes.length) {
    throw refused('weights', `${nodes.length} weights, one for each node`, weights);
  }
  if (heldBytes === undefined) return;
  if (heldBytes.length !== nodes.length) {
    throw refused('heldBytes', `${nodes.length} sizes, one for each node`, heldBytes);
  }
  heldBytes.forEach((bytes, i) => {
    if (Number.isSafeInteger(bytes) && bytes >= 0) return;
    throw refused(`heldBytes[${i}]`, 'whole bytes', bytes);
  });
}

function nameOf({ id, name = `node ${id}` }: ShareNode): string {
  return name;
}

function refused(path: string, expected: string, received: unknown): Error {
  return refuse({ code: CODE, path, expected, received });
}
