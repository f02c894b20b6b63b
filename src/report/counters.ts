/**
 * What books count, by name, in groups by name, as deep as needed.
 *
 * All are whole numbers from the start of the monitor, exact below 2^53. They only grow, but for
 * `pending`, `waiting`, `outPages` and what a scheme has of its window. The groups are types rather
 * than interfaces, so that each can be read by any name, as this one can.
 */
export interface Counters {
  readonly [name: string]: number | bigint | Counters | undefined;
}

/** Reports on their way through the lanes, summed over all lanes there have been. */
export type LanesCounters = {
  /** Reports given to a lane. */
  readonly offered: number;
  /** Reports stored. */
  readonly queued: number;
  /** Reports lost to a full lane. */
  readonly droppedFull: number;
  /** Reports lost because their push interrupted another. */
  readonly droppedNested: number;
  /** Reports lost because the monitor had stopped. */
  readonly droppedClosed: number;
  /** Times a shared lane's memory said what cannot be; what it held then is gone, uncounted. */
  readonly corrupt: number;
  /** Reports handed to the drain. */
  readonly drained: number;
  /** Reports stored and not yet drained. */
  readonly pending: number;
  /** Most reports that a drain found in one lane. */
  readonly occupancyMax: number;
};

/** What became of the reports that were drained: each is counted by one of these but `drained`. */
export type DrainCounters = {
  /** Reports taken from the lanes. */
  readonly drained: number;
  /** Reports credited to the region that they lie in. */
  readonly credited: number;
  /** Reports from before the drain before the last. */
  readonly stale: number;
  /** Reports rejected by a sample filter. */
  readonly filtered: number;
  /** Reports with virtual addresses for physical memory, or the other way round. */
  readonly wrongKind: number;
  /** Reports of a process that is no target. */
  readonly noTarget: number;
  /** Reports of an address in no region. */
  readonly noRegion: number;
  /** Reports across the end of their region. */
  readonly straddling: number;
};

/** One scheme. Kernel `struct damos_stat`, and its quota. */
export type SchemeCounters = {
  /** Regions that it tried. @kernel stats/nr_tried */
  readonly nrTried: number;
  /** Bytes that it tried. @kernel stats/sz_tried */
  readonly szTried: number;
  /** Regions on which the action had an effect. @kernel stats/nr_applied */
  readonly nrApplied: number;
  /** Bytes on which it had. @kernel stats/sz_applied */
  readonly szApplied: number;
  /** Bytes that passed the filters of pages. @kernel stats/sz_ops_filter_passed */
  readonly szOpsFilterPassed: number;
  /** Windows whose quota was used up. @kernel stats/qt_exceeds */
  readonly qtExceeds: number;
  /** Rounds that reached the last region. @kernel stats/nr_snapshots */
  readonly nrSnapshots: number;
  /** Bytes that it may try in this window. @kernel quotas/effective_bytes */
  readonly effectiveSzBytes: number;
  /** Bytes charged in this window. */
  readonly chargedSzBytes: number;
  /** Bytes charged in all windows before. */
  readonly totalChargedSzBytes: number;
  /** Nanoseconds that its actions took. */
  readonly totalChargedNs: number;
};

/** Rows of a recording. */
export type RowCounters = {
  /** Rows seen: the sum of those below. */
  readonly read: number;
  /** Rows handed on as reports. */
  readonly accepted: number;
  /** Lines that are no row. */
  readonly malformed: number;
  /** Rows before the last accepted one. */
  readonly timeBackwards: number;
  /** Rows too far after it. */
  readonly timeGap: number;
  /** CPU numbers that have no lane. */
  readonly cpuBeyondLanes: number;
  /** Addresses that no machine has. */
  readonly addressOutOfRange: number;
};

/** Samples of the emulated sampler. */
export type SamplerCounters = {
  /** Tagged ops, overflows of a counter, hot units or faults. */
  readonly selected: number;
  /** Of these, those that a filter of the hardware threw away. */
  readonly discarded: number;
  /** Of these, those that found no room in the hardware. */
  readonly lost: number;
  /** Of these, those that software was shown. */
  readonly samplesTotal: number;
  /** Of those shown, those that software dropped. */
  readonly samplesFiltered: number;
  /** Of those shown, those reported. */
  readonly reported: number;
  /** Times that the kernel stopped an event. */
  readonly throttles: number;
  /** CPU nanoseconds that it took from the workload. */
  readonly overheadNs: number;
};

/** Pages of the emulated machine that were moved, or not. */
export type MachineCounters = {
  /** Pages that were to be on a node. */
  readonly askedPages: number;
  /** Of these, pages moved there. */
  readonly migratedPages: number;
  /** Of these, pages that were there already. */
  readonly therePages: number;
  /** Of these, pages that somebody held. */
  readonly busyPages: number;
  /** Of these, pages for which the node had no room. */
  readonly fullPages: number;
  /** Of these, pages for which there is no such node. */
  readonly nowherePages: number;
  /** Pages paged out. */
  readonly pagedOutPages: number;
  /** Of these, pages read in again. */
  readonly returnedPages: number;
  /** Of these, pages that are out now. */
  readonly outPages: number;
  /** Faults that found no room. */
  readonly faultsWithoutRoom: number;
  /** CPU nanoseconds that threads of the workload waited for pages on their way to another node. */
  readonly waitedNs: number;
};

/** A policy that moves pages beside the schemes: `source.policy`. */
export type PolicyCounters = {
  /** Reports offered to it. */
  readonly offered: number;
  /** Of these, those that found no room. */
  readonly dropped: number;
  /** Of these, those that wait. */
  readonly pending: number;
  /** Of these, those that it took. */
  readonly reports: number;
  /** Of those taken, those about other memory than the slow node's. */
  readonly elsewhere: number;
  /** Of those taken, those about pages of the slow node. */
  readonly noted: number;
  /** Pages that were to move. */
  readonly wantedPages: number;
  /** Of these, those that did. */
  readonly movedPages: number;
  /** Of these, those that stayed. */
  readonly keptPages: number;
  /** Pages that moved to the fast node. */
  readonly promotedPages: number;
  /** Pages that moved to the slow node. */
  readonly demotedPages: number;
  /** Of these, those that made room. */
  readonly reclaimedPages: number;
  /** Folios looked at to make room. */
  readonly lookedFolios: number;
  /**
   * CPU nanoseconds that all of it took: of the threads that faulted where NUMA balancing promotes, else
   * of kernel threads, which the workload pays for where no CPU is idle.
   */
  readonly busyNs: number;
};

/** Questions to an operations set written in TypeScript. */
export type QuestionCounters = {
  /** Questions put: the sum of those below. */
  readonly asked: number;
  readonly answered: number;
  /** The set threw, or its promise was rejected. */
  readonly threw: number;
  /** What came was no answer. */
  readonly malformed: number;
  /** No answer came in time. */
  readonly late: number;
  /** The run was ended first. */
  readonly abandoned: number;
};

/** What looking at accessed bits took, and the workload paid for where no CPU was free. */
export type AccessCheckCounters = {
  /** Pages that were made old and looked at. */
  readonly checked: number;
  /** Nanoseconds that this took of a CPU. */
  readonly overheadNs: number;
};

/** How late the thread of an emulated monitor was. */
export type LatenessCounters = {
  /** Sampling intervals begun. */
  readonly intervals: number;
  /** Those that lasted longer than asked for. */
  readonly late: number;
  /** Nanoseconds that they lasted longer on account of wake-ups. */
  readonly wakeUpNs: number;
  /** The same on account of the schemes' work. */
  readonly workNs: number;
  /** Nanoseconds of the one that lasted longest beyond what was asked for. */
  readonly mostNs: number;
};

/** What every monitor counts, and what its source does. */
export type MonitorCounters = {
  readonly lanes: LanesCounters;
  readonly drain: DrainCounters;
  /** By number and name, such as `0 PULL`; in their order. */
  readonly schemes: { readonly [scheme: string]: SchemeCounters };
  /** Of a recording. */
  readonly rows?: RowCounters;
  /** Of an emulation with a sampler. */
  readonly sampler?: SamplerCounters;
  /**
   * Samples by what served them, where the sampler tells it: `none`, `l1`, `l2`, `l3`, `memory`,
   * `memoryOfNode0` and so on, `store`.
   */
  readonly sources?: { readonly [served: string]: number };
  /** Of an emulation whose monitor looks at accessed bits: `paddr`, `vaddr` and `fvaddr` without reports. */
  readonly accessChecks?: AccessCheckCounters;
  /** Of an emulation. */
  readonly machine?: MachineCounters;
  /** Of an emulation with a policy. */
  readonly policy?: PolicyCounters;
  /** Of an emulation whose monitor's thread is late at times. */
  readonly lateness?: LatenessCounters;
  /** Of operations sets written in TypeScript. */
  readonly questions?: QuestionCounters;
  /** Sampling intervals left out for want of an answer, of operations sets written in TypeScript. */
  readonly intervals?: { readonly unobserved: number };
};

/** Sampling intervals of a live monitor. */
export type IntervalCounters = {
  /** Those whose lanes were drained. */
  readonly observed: number;
  /** Those left out: no lane was open, or they had passed before the monitor woke. */
  readonly unobserved: number;
  /** How late half of the wake-ups were at most: an upper bound, at most twice the true value. */
  readonly lateP50Ns: number;
  /** The same for 99 in 100. */
  readonly lateP99Ns: number;
  /** How late the latest was. */
  readonly lateMaxNs: number;
};

/** Snapshots on their way from a live monitor to its reader. */
export type SnapshotCounters = {
  /** Those there were: the sum of those below. */
  readonly offered: number;
  /** Those that were read. */
  readonly taken: number;
  /** Those that found no room, or made room: see `highWaterMark`. */
  readonly dropped: number;
  /** Those that wait. */
  readonly waiting: number;
};

/** What a live monitor counts. */
export type LiveCounters = {
  readonly lanes: LanesCounters;
  readonly drain: DrainCounters;
  readonly intervals: IntervalCounters;
  readonly snapshots: SnapshotCounters;
  /** By number and name, such as `0 PULL`; in their order. */
  readonly schemes: { readonly [scheme: string]: SchemeCounters };
};
