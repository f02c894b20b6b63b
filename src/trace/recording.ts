/** A recording of accesses as a source. */
import { existsSync, readFileSync } from 'node:fs';

import * as v from 'valibot';

import { DamonError } from '../errors.ts';
import {
  type NodeMemory,
  type NodeOptions,
  type Range,
  type RangeOptions,
  nodesSchema,
  rangesSchema,
} from '../monitor/memory.ts';
import type { Duration } from '../units.ts';
import { type Schema, integer, oneOf, options, quantityOf, resolve } from '../validate.ts';

/** A file in the samples format, plain or compressed by zstd. */
export interface RecordingOptions {
  readonly type: 'recording';
  /** The file. */
  readonly path: string;
  /** Where the recorded machine's nodes lie. @default none: reports then name no node */
  readonly nodes?: readonly NodeOptions[];
  /**
   * Memory to monitor, sorted and disjoint; an access elsewhere is a bad row. @default every
   * memory block of 128 MiB that the recording touches, from then on
   */
  readonly regions?: readonly RangeOptions[];
  /** CPU numbers must be below. From 1 to 8192. @default 8192 */
  readonly cpus?: number;
  /** What a bad row does: `stop` ends the replay, `count` counts it by cause. @default "stop" */
  readonly badRows?: 'stop' | 'count';
  /** Largest step forward in time between two rows. @default "1 h" */
  readonly gapMaxNs?: Duration;
}

/** {@link RecordingOptions}, every one given. */
export interface Recording {
  readonly type: 'recording';
  readonly path: string;
  readonly nodes: readonly NodeMemory[];
  readonly regions: readonly Range[];
  readonly cpus: number;
  readonly badRows: 'stop' | 'count';
  readonly gapMaxNs: number;
}

/** Reads a recording's options; the file is opened later. */
export const recordingSchema: Schema<Recording> = options({
  type: v.literal('recording'),
  path: v.pipe(v.string('the name of a file'), v.nonEmpty('the name of a file')),
  nodes: v.optional(nodesSchema, []),
  regions: v.optional(rangesSchema, []),
  cpus: v.optional(integer(1, 8192), 8192),
  badRows: v.optional(oneOf(['stop', 'count'] as const), 'stop'),
  gapMaxNs: v.optional(quantityOf('ns'), 3_600_000_000_000),
});

const machineFileSchema = options({ nodes: nodesSchema });

/** Where the description of a recording's machine lies unless said otherwise: beside it. */
export function machineFileOf(recording: string): string {
  return recording.replace(/(\.samples)?\.csv(\.zst)?$/, '') + '.machine.json';
}

/**
 * Reads the nodes of a recorded machine from its description: `{"nodes": [{name, start, end}]}`.
 *
 * @example
 * ```ts
 * import { Kdamond, readMachineFile } from 'node-damon';
 *
 * const path = 'redis.samples.csv.zst';
 * const nodes = readMachineFile(path); // of redis.machine.json
 * using kdamond = new Kdamond({ source: { type: 'recording', path, nodes } });
 * await kdamond.run();
 * ```
 *
 * @param path the file; without it, the file beside the recording, if there is one
 * @throws DamonError `ERR_DAMON_CONFIG_MACHINE_FILE`
 */
export function readMachineFile(recording: string, path?: string): readonly NodeOptions[] {
  const file = path ?? machineFileOf(recording);
  if (path === undefined && !existsSync(file)) return [];
  let description: unknown;
  try {
    description = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const message = `The machine description ${file} cannot be read: ${(cause as Error).message}`;
    throw new DamonError(message, { code: 'ERR_DAMON_CONFIG_MACHINE_FILE', path: file, cause });
  }
  return resolve(machineFileSchema, description, 'ERR_DAMON_CONFIG_MACHINE_FILE', file).nodes.map(
    ({ name, start, end }) => ({ name, start, end }),
  );
}
