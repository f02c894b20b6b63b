/** What a round of a scheme did, and why it did no more. */
/** Regions and their bytes. */
export interface RoundShare {
  readonly regions: number;
  readonly bytes: number;
}

/**
 * One scheme's part in one round. Each region that the round came to is in exactly one of `tried`,
 * `noMatch`, `lowScore`, `filtered`, `quotaFull`, `servedBefore` and `snapshotsDone`; a region that
 * was cut counts as its parts. What a scheme further down the list cuts off a region is come to again
 * by those before it, as in the kernel: only the last scheme's bytes are those of all regions in any
 * round. `damon-core.md` 5.3 and 5.6.
 */
export interface Round {
  /** When, in nanoseconds of the source's clock. */
  readonly timeNs: bigint;
  /** In which sampling interval since the start. */
  readonly tick: number;
  /** Index of the scheme. */
  readonly scheme: number;
  /** Whether a quota window opened. */
  readonly opened: boolean;
  /** Bytes the scheme may try in the window; of no meaning without a quota. */
  readonly effectiveSzBytes: number;
  /** Bytes charged in the window before the round. */
  readonly chargedBefore: number;
  /** Bytes charged in the window after it. */
  readonly chargedAfter: number;
  /** Regions below this score, of 0 to 99, had to wait. */
  readonly scoreMin: number;
  /** How long the action took: simulated time. */
  readonly elapsedNs: number;
  /** Handed to the operations set. */
  readonly tried: RoundShare;
  /** Of those: on which the action had an effect, by the bytes of the effect. */
  readonly applied: RoundShare;
  /** Bytes of those that passed the filters of pages, as far as the operations set tells. */
  readonly opsPassedBytes: number;
  /** Not what the scheme is about. */
  readonly noMatch: RoundShare;
  /** Matched, but others come first. */
  readonly lowScore: RoundShare;
  /** Matched, but a filter of addresses or targets objected. */
  readonly filtered: RoundShare;
  /** The quota was used up. */
  readonly quotaFull: RoundShare;
  /** Had their turn before the last full window ended. */
  readonly servedBefore: RoundShare;
  /** The scheme has done as many snapshots as it may. */
  readonly snapshotsDone: RoundShare;
}
