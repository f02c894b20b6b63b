/** How far the emulated workload gets. */

/** One process. */
export interface ProcessThroughput {
  readonly tgid: number;
  /** Ops per second, of all of its CPUs. */
  readonly opsHz: number;
  /** Ops since the start. */
  readonly ops: number;
  /** Accesses to data per second. */
  readonly accessesHz: number;
  /**
   * CPU nanoseconds that were taken of it since the start: by samplers, by faults, by threads of the
   * kernel (the monitor's own with its schemes, a policy's) that found no idle CPU, and by waiting for
   * pages on their way to another node. Not by what a monitor does beside: draining reports and keeping
   * regions take nanoseconds a report, on one CPU.
   */
  readonly overheadNs: number;
  /** Bytes per second that it moves from and to each node. */
  readonly nodeBytesHz: readonly number[];
}

/** One node. */
export interface NodeTraffic {
  /** Bytes per second that processes move. */
  readonly bytesHz: number;
  /** Bytes per second that migration moves. */
  readonly migrationBytesHz: number;
  /** Nanoseconds to the data under this load, from its own socket. */
  readonly latencyNs: number;
  /** All traffic as a share of the bandwidth. */
  readonly utilisation: number;
}

/** Speed of every process, load of every node: at most 50 ms behind. */
export interface Throughput {
  readonly processes: readonly ProcessThroughput[];
  readonly nodes: readonly NodeTraffic[];
}
