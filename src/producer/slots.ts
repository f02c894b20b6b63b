/** Reports into the slots of a shared lane: `crates/ring/src/shared.rs` says which word is what. */
import { types } from 'node:util';

import { type CheckedColumns, type ReportWords, UNDATED, VIRTUAL, WRITE } from '../live/report.ts';
import { SLOT_WORDS, WORD } from '../live/shared-lane.ts';

/** The words of a lane, and which of its slots comes next. */
export interface Place {
  readonly words: Uint32Array;
  /** How many slots, a power of two. */
  readonly slots: number;
  /** Free-running. */
  readonly head: number;
}

/** Writes one report into the slot at the head. */
export function writeReport({ words, slots, head }: Place, report: Readonly<ReportWords>): void {
  const at = WORD.firstSlot + SLOT_WORDS * (head & (slots - 1));
  words[at] = report.addressLow;
  words[at + 1] = report.addressHigh;
  words[at + 2] = report.timeLow;
  words[at + 3] = report.timeHigh;
  words[at + 4] = report.size;
  words[at + 5] = report.tid;
  words[at + 6] = report.tgid;
  words[at + 7] = report.flags;
}

/** Writes the first `count` reports of a batch into the slots from the head on. */
export function writeReports(
  { words, slots, head }: Place,
  columns: CheckedColumns,
  count: number,
): void {
  const { size, cpu, tid, tgid, write, timeNs, isVirtual } = columns;
  const addresses = addressHalves(columns, count);
  const times = typeof timeNs === 'object' ? halvesOf(timeNs, count) : undefined;
  const [timeLow = UNDATED.low, timeHigh = UNDATED.high] =
    typeof timeNs === 'bigint' ? halvesOf(BigUint64Array.of(timeNs), 1) : [];
  const kind = isVirtual ? VIRTUAL : 0;
  for (let i = 0; i < count; i++) {
    const at = WORD.firstSlot + SLOT_WORDS * ((head + i) & (slots - 1));
    words[at] = addresses[2 * i] ?? 0;
    words[at + 1] = addresses[2 * i + 1] ?? 0;
    words[at + 2] = times === undefined ? timeLow : (times[2 * i] ?? 0);
    words[at + 3] = times === undefined ? timeHigh : (times[2 * i + 1] ?? 0);
    words[at + 4] = typeof size === 'number' ? size : (size[i] ?? 0);
    words[at + 5] = typeof tid === 'number' ? tid : (tid[i] ?? 0);
    words[at + 6] = typeof tgid === 'number' ? tgid : (tgid[i] ?? 0);
    const onCpu = typeof cpu === 'number' ? cpu : (cpu[i] ?? 0);
    const isStore = typeof write === 'boolean' ? write : write[i] !== 0;
    words[at + 7] = onCpu | kind | (isStore ? WRITE : 0);
  }
}

/** Addresses as pairs of 32-bit words, low first. */
function addressHalves({ addresses }: CheckedColumns, count: number): Uint32Array {
  if (!types.isFloat64Array(addresses)) return halvesOf(addresses, count);
  const halves = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const address = addresses[i] ?? 0;
    const high = Math.floor(address / 2 ** 32);
    halves[2 * i] = address - high * 2 ** 32;
    halves[2 * i + 1] = high;
  }
  return halves;
}

/** A view: a bigint for each element would cost more than everything else. */
function halvesOf(column: BigUint64Array, count: number): Uint32Array {
  return new Uint32Array(column.buffer, column.byteOffset, 2 * count);
}
