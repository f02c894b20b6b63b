/** Sources small enough to run in a test: an emulated machine, and recordings made of lines. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EmulationOptions, Snapshot, WorkloadOptions } from '../../src/index.ts';

export const MIB = 2 ** 20;

const WORKLOAD: WorkloadOptions = { type: 'hot_set', bytes: '64 MiB' };

/** Two nodes of 128 MiB, 64 MiB of workload half on each, two CPUs. */
export const SMALL: EmulationOptions = {
  type: 'emulation',
  nodes: [
    { name: 'fast', start: 0, end: '128 MiB' },
    { name: 'slow', start: '128 MiB', end: '256 MiB' },
  ],
  workload: WORKLOAD,
  processor: { cpus: 2 },
  sampler: { type: 'ibs_op', rateHz: 2_557_000_000, dataShare: 0.41 },
};

/** {@link SMALL} with another workload. */
export function smallWith(workload: Partial<WorkloadOptions>): EmulationOptions {
  return { ...SMALL, workload: { ...WORKLOAD, ...workload } };
}

export const HEADER = 'time_ns,cpu,vaddr,paddr,is_write,size';

/** One access of 8 bytes. */
export function row(timeNs: number, cpu: number, paddr: number): string {
  return `${timeNs},${cpu},0x7000,0x${paddr.toString(16)},0,8`;
}

/** `count` accesses, one per millisecond, round about 32 places within 64 MiB. */
export function rows(count: number): string[] {
  return Array.from({ length: count }, (_, i) => row(i * 1e6, i % 2, ((i * 7) % 32) * 2 * MIB));
}

const folder = mkdtempSync(join(tmpdir(), 'node-damon-test-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A path in a folder that is gone when the tests have run. */
export function temporaryPath(name: string): string {
  return join(folder, `${(files += 1)}-${name}`);
}

/** Writes a file; returns its path. */
export function temporaryFile(content: string | Uint8Array, name = 'some.samples.csv'): string {
  const path = temporaryPath(name);
  writeFileSync(path, content);
  return path;
}

/** Writes a recording; returns its path. */
export function recordingOf(lines: readonly string[]): string {
  return temporaryFile([HEADER, ...lines, ''].join('\n'));
}

/** All snapshots of a run. */
export async function collect(run: AsyncIterable<Snapshot>): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for await (const snapshot of run) snapshots.push(snapshot);
  return snapshots;
}

/** Hits of all regions of all snapshots. */
export function hitsOf(snapshots: readonly Snapshot[]): number {
  return snapshots.flatMap(({ hits }) => [...hits]).reduce((sum, hits) => sum + hits, 0);
}
