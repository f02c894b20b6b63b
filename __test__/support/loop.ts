/** Closed loops small enough to run in a test: a step of the size quota is 1/64, as the RFC's. */
import type { EmulationOptions, LoopOptions } from '../../src/index.ts';

/** Nodes of 256 MiB each, 128 MiB of hot memory spread evenly, eight CPUs. */
export function smallMachine(nodes: number): EmulationOptions {
  return {
    type: 'emulation',
    nodes: Array.from({ length: nodes }, (_, i) => ({
      name: `n${i}`,
      start: `${i * 256} MiB`,
      end: `${(i + 1) * 256} MiB`,
    })),
    processor: { cpus: 8 },
    workload: { type: 'hot_set', bytes: '128 MiB' },
    sampler: { type: 'ibs_op', rateHz: 2_557_000_000, dataShare: 0.41 },
  };
}

/** A loop on it, of one step. */
export function smallLoop(
  weights: readonly number[],
  seconds: number,
  more: Partial<LoopOptions> = {},
): LoopOptions {
  return {
    source: smallMachine(weights.length),
    attrs: { maxNrRegions: 60 },
    szBytes: '2 MiB',
    steps: [{ weights, seconds }],
    ...more,
  };
}
