/**
 * From what each node holds to what moves from which to which.
 *
 * Pure arithmetic. Not here: how the bytes are known, or who moves them.
 */
import { shareBp } from './tuner/proportional.ts';

/**
 * Bytes to move from one node to another, so that together all pairs move every node to its place
 * and nothing further than once: a node's surplus goes to the others in proportion to what they lack.
 *
 * @param missed by node: bytes it lacks, below 0 for too many; they add up to 0, or it is the smaller
 *   of both that is moved
 */
export function transferBytes(missed: readonly number[], from: number, to: number): number {
  const lacking = missed.reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
  const spare = missed.reduce((sum, bytes) => sum + Math.max(0, -bytes), 0);
  const surplus = Math.max(0, -(missed[from] ?? 0));
  const lack = Math.max(0, missed[to] ?? 0);
  return lack === 0 ? 0 : Math.floor((surplus * lack) / Math.max(lacking, spare));
}

/** The largest miss of any node in basis points of all that is held. */
export function worstMissBp(missed: readonly number[], bytesTotal: number): number {
  return shareBp(Math.max(...missed.map(Math.abs)), bytesTotal);
}

/** Bytes that each node lacks to its part of all that is held, below 0 for too many. */
export function missedByNode(heldBytes: readonly number[], targetsBp: readonly number[]): number[] {
  const total = heldBytes.reduce((sum, bytes) => sum + bytes, 0);
  return heldBytes.map(
    (bytes, node) => Math.round((total * (targetsBp[node] ?? 0)) / 10_000) - bytes,
  );
}
