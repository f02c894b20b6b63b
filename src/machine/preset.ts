/** Machines that others have measured. */
import type { EmulationOptions } from './machine.ts';

/**
 * The RFC's demonstration: DRAM and CXL as two nodes, a hot set of 32 GiB that is touched evenly
 * and lies half on each, 132 CPUs with some 4000 valid IBS Op samples a second each.
 * `hardware-sampling.md` 13.1 and 1.5. The nodes' sizes are not published; ours are 128 GiB.
 */
export const RFC_MACHINE: EmulationOptions = {
  type: 'emulation',
  nodes: [
    { name: 'DRAM', start: 0, end: '128 GiB' },
    { name: 'CXL', start: '128 GiB', end: '256 GiB' },
  ],
  workload: { type: 'hot_set', bytes: '32 GiB' },
  sampler: { type: 'ibs_op' },
};
