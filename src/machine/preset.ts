/** Machines that others have measured. */
import type { IbsOpOptions } from '../sampler/ibs-op.ts';
import type { EmulationOptions, WorkloadOptions } from './machine.ts';
import { multiload } from './workloads.ts';

/**
 * 262144 cycles at 2.557 GHz not halted are 9754 tags a second, of which 41 % carry an address: the
 * RFC's "about 4 K samples/s/core", read as valid samples (`hardware-sampling.md` 7.3).
 */
export const RFC_SAMPLER: IbsOpOptions = {
  type: 'ibs_op',
  rateHz: 2_557_000_000,
  dataShare: 0.41,
};

/** 32 GiB, touched evenly, half on each node. */
export const RFC_WORKLOAD: WorkloadOptions = {
  type: 'hot_set',
  bytes: '32 GiB',
};

/**
 * The RFC's demonstration: DRAM and CXL as two nodes, a hot set of 32 GiB that is touched evenly
 * and lies half on each, 132 CPUs with some 4000 valid IBS Op samples a second each.
 * `hardware-sampling.md` 13.1 and 1.5. The nodes' sizes are not published; ours are 128 GiB.
 */
export const RFC_MACHINE: EmulationOptions = {
  type: 'emulation',
  nodes: [
    { name: 'DRAM', start: 0, end: '128 GiB' },
    { name: 'CXL', start: '128 GiB', end: '256 GiB', kind: 'cxl' },
  ],
  workload: RFC_WORKLOAD,
  sampler: RFC_SAMPLER,
};

/**
 * The RFC's configuration A: a Turin of 132 CPUs, 128 GiB of `multiload` from 32 threads, half on
 * DRAM and half on CXL, in huge pages as a KVM guest's memory is. `hardware-sampling.md` 8.5.
 */
export const CONFIGURATION_A: EmulationOptions = {
  type: 'emulation',
  nodes: [
    { name: 'DRAM', start: 0, end: '256 GiB' },
    { name: 'CXL', start: '256 GiB', end: '512 GiB', kind: 'cxl' },
  ],
  processor: { model: 'zen5', cpus: 132 },
  workload: multiload({
    cpus: { start: 0, end: 32 },
    placement: { interleave: [1, 1] },
    pageSize: '2 MiB',
  }),
  sampler: RFC_SAMPLER,
};

/**
 * The RFC's configuration B: a Granite Rapids of 144 CPUs, the same workload on the host, in small
 * pages, under PEBS, whose virtual addresses `fvaddr` and `vaddr` monitor. `hardware-sampling.md` 8.6.
 */
export const CONFIGURATION_B: EmulationOptions = {
  type: 'emulation',
  nodes: [
    { name: 'DRAM', start: 0, end: '256 GiB', idleLatencyNs: 114, bandwidthBytesPerS: 298.8e9 },
    { name: 'CXL', start: '256 GiB', end: '512 GiB', kind: 'cxl', idleLatencyNs: 250 },
  ],
  processor: { cpus: 144, tlbEntries: 2048, l2Bytes: '2 MiB', l3Bytes: '480 MiB' },
  workload: multiload({ cpus: { start: 0, end: 32 }, placement: { interleave: [1, 1] } }),
  sampler: { type: 'pebs', event: 'l3_miss_loads', frequency: 5_003 },
};

/**
 * Two sockets of EPYC with DRAM, and a CXL expander on the first: the machine that the RFC
 * describes, by the figures of `samplers.md` 7.6.
 */
export const TWO_SOCKETS: Omit<EmulationOptions, 'workload'> = {
  type: 'emulation',
  nodes: [
    { name: 'DRAM 0', start: 0, end: '128 GiB', socket: 0 },
    { name: 'DRAM 1', start: '128 GiB', end: '256 GiB', socket: 1 },
    { name: 'CXL', start: '256 GiB', end: '512 GiB', kind: 'cxl', socket: 0 },
  ],
  processor: { model: 'zen5', cpus: 132, sockets: 2 },
  sampler: RFC_SAMPLER,
};
