/**
 * A lane in a `SharedArrayBuffer`: its layout, and how either side tells that it is one.
 *
 * The layout is that of `crates/ring/src/shared.rs`. 32-bit words, 64-bit fields low word first; a
 * cache line for what the producer writes, one for what the monitor writes, then the slots:
 *
 * | word | written by | meaning |
 * |---|---|---|
 * | 0, 1, 2 | monitor | {@link MAGIC}, {@link VERSION}, slots |
 * | 16 | producer | head: 31 bits, free-running; the top bit, set by the monitor, closes the lane |
 * | 17, 18 | producer | reports dropped because the lane was full, or closed |
 * | 19 | producer | 1 when it will push no more |
 * | 20 | producer | 1 once a producer has attached |
 * | 32 | monitor | tail: 31 bits, free-running |
 * | 64 + 8 n | producer | slot n |
 */
import { types } from 'node:util';

import { DamonError } from '../errors.ts';

/** A lane that any thread can be handed: a plain object that `postMessage` takes. */
export interface SharedLane {
  readonly buffer: SharedArrayBuffer;
}

/** First word of a lane: "DAMO". */
export const MAGIC = 0x4f4d_4144;
/** Of the layout. */
export const VERSION = 1;

/** Where the words lie. */
export const WORD = {
  magic: 0,
  version: 1,
  slots: 2,
  head: 16,
  droppedFull: 17,
  droppedClosed: 18,
  gone: 19,
  taken: 20,
  tail: 32,
  firstSlot: 64,
} as const;

/** Words of a slot. */
export const SLOT_WORDS = 8;
/** The bit of the head that closes the lane. */
export const CLOSED: number = 2 ** 31;
/** The bits of head and tail that count. */
export const INDEX: number = CLOSED - 1;

const SLOTS_MAX = 65_536;

/** Zeroed memory for so many slots, for the monitor to make a lane of. */
export function allocateLane(slots: number): SharedLane {
  const words = WORD.firstSlot + SLOT_WORDS * slots;
  return { buffer: new SharedArrayBuffer(words * Uint32Array.BYTES_PER_ELEMENT) };
}

/**
 * The words of a lane.
 *
 * @throws DamonError `ERR_DAMON_LANE_CORRUPT` when it is none
 */
export function laneWords(lane: SharedLane): Uint32Array {
  const buffer: unknown = (lane as SharedLane | null | undefined)?.buffer;
  if (!types.isSharedArrayBuffer(buffer)) {
    throw corrupt('lane.buffer', 'the SharedArrayBuffer of a lane', buffer);
  }
  const words = buffer.byteLength / Uint32Array.BYTES_PER_ELEMENT;
  const slots = (words - WORD.firstSlot) / SLOT_WORDS;
  if (!Number.isInteger(Math.log2(slots)) || slots < 1 || slots > SLOTS_MAX) {
    const expected = '256 + 32 * slots, with slots a power of two from 1 to 65536';
    throw corrupt('lane.buffer.byteLength', expected, buffer.byteLength);
  }
  // Of a fixed length: a buffer that grows later grows behind it.
  const view = new Uint32Array(buffer, 0, words);
  expectWord(view, 'magic', MAGIC);
  expectWord(view, 'version', VERSION);
  expectWord(view, 'slots', slots);
  return view;
}

function expectWord(
  view: Uint32Array,
  name: 'magic' | 'version' | 'slots',
  expected: number,
): void {
  const received = Atomics.load(view, WORD[name]);
  if (received !== expected) throw corrupt(`lane.${name}`, `${expected}`, received);
}

/** The error for memory that no monitor and no producer of ours has left so. */
export function corrupt(path: string, expected: string, received: unknown): DamonError {
  const shown = typeof received === 'number' ? `\`${received}\`` : typeof received;
  return new DamonError(`Not a lane: expected \`${path}\` to be ${expected}, got ${shown}`, {
    code: 'ERR_DAMON_LANE_CORRUPT',
    path,
    expected,
    received,
    hint: 'a lane comes from LiveKdamond.sharedLane, and only its producer may write to it',
  });
}

/**
 * Says in a producer's stead that it will push no more: for one that ended without closing its
 * lane, as a terminated worker does. What it published is still drained; a push that it might still
 * make is refused.
 *
 * @throws DamonError `ERR_DAMON_LANE_CORRUPT`
 */
export function releaseLane(lane: SharedLane): void {
  const words = laneWords(lane);
  Atomics.or(words, WORD.head, CLOSED);
  Atomics.store(words, WORD.gone, 1);
}
