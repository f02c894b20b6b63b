/**
 * What a producer says about observed accesses, checked.
 *
 * Shared by the native lanes and by the producer in JavaScript, so nothing here knows the addon. A
 * check costs a few comparisons; what is wrong is worked out only once something is.
 */
import { types } from 'node:util';

import { type DamonError, refuse } from '../errors.ts';

/** One observed access. */
export interface AccessReport {
  /** First byte accessed: an integer from 0, below 2^53 as a number, below 2^64 as a bigint. */
  readonly address: number | bigint;
  /** Bytes covered, from 1 to 2^32 - 1; samplers that know only the page say 4096. @default 1 */
  readonly size?: number;
  /** CPU that made the access, from 0 to 65535. @default 0 */
  readonly cpu?: number;
  /** Thread that made the access, 0 if unknown. @default 0 */
  readonly tid?: number;
  /** Process that made the access, 0 if unknown. @default 0 */
  readonly tgid?: number;
  /** Whether it was a store. @default false */
  readonly write?: boolean;
  /** Whether the address is a virtual one of process `tgid`. @default false */
  readonly virtual?: boolean;
  /**
   * When, in nanoseconds of the monitor's clock, which is `process.hrtime.bigint()`'s. From before the
   * drain before the last began, one to two sampling intervals ago, is stale. @default just now, which
   * is never stale
   */
  readonly timeNs?: bigint;
}

/**
 * What became of a report: stored, or lost to a full lane, to a push that it interrupted, or to a
 * monitor that has stopped. Each is counted in the monitor's books.
 */
export type ReportOutcome = 'queued' | 'full' | 'nested' | 'closed';

/**
 * Many reports as columns of one length, a typed array each; what is given as a single value holds
 * for all. The fields are those of an {@link AccessReport}.
 */
export interface ReportColumns {
  /** Decides how many reports there are. */
  readonly addresses: BigUint64Array | Float64Array;
  /** @default 1 */
  readonly size?: number | Uint32Array;
  /** @default 0 */
  readonly cpu?: number | Uint16Array;
  /** @default 0 */
  readonly tid?: number | Uint32Array;
  /** @default 0 */
  readonly tgid?: number | Uint32Array;
  /** Elements: 0 for a load, anything else for a store. @default false */
  readonly write?: boolean | Uint8Array;
  /** @default just now */
  readonly timeNs?: bigint | BigUint64Array;
  /** @default false */
  readonly virtual?: boolean;
}

/** What became of a batch: the fields add up to its length. */
export interface BatchOutcome {
  /** Reports stored: the first so many. */
  readonly queued: number;
  /** Reports from the end of the batch that found no slot. */
  readonly droppedFull: number;
  /** All reports of a batch that interrupted another push. */
  readonly droppedNested: number;
  /** All reports of a batch for a monitor that has stopped. */
  readonly droppedClosed: number;
}

/** A report as 32-bit words. */
export interface ReportWords {
  addressLow: number;
  addressHigh: number;
  timeLow: number;
  timeHigh: number;
  size: number;
  tid: number;
  tgid: number;
  /** Bits 0 to 15 the CPU, {@link VIRTUAL}, {@link WRITE}. */
  flags: number;
}

/** Columns that were checked: of one length, in memory of this thread's own. */
export interface CheckedColumns {
  readonly addresses: BigUint64Array | Float64Array;
  readonly size: number | Uint32Array;
  readonly cpu: number | Uint16Array;
  readonly tid: number | Uint32Array;
  readonly tgid: number | Uint32Array;
  readonly write: boolean | Uint8Array;
  readonly timeNs?: bigint | BigUint64Array;
  readonly isVirtual: boolean;
}

/** Flag of a virtual address. */
export const VIRTUAL: number = 1 << 16;
/** Flag of a store. */
export const WRITE: number = 1 << 17;
/** The time of a report without one, 2^63 - 1: it is never stale. */
export const UNDATED: { readonly low: number; readonly high: number } = {
  low: 0xffff_ffff,
  high: 0x7fff_ffff,
};

const CODE = 'ERR_DAMON_REPORT';
const TWO_32 = 2 ** 32;
const U64_MAX = 2n ** 64n - 1n;

const ADDRESS = 'an integer from 0 to 2^53 - 1, or a bigint from 0n to 2^64 - 1';
const NUMBER_ADDRESS = 'an integer from 0 to 2^53 - 1';
const SIZE = 'an integer from 1 to 2^32 - 1';
const CPU = 'an integer from 0 to 65535';
const ID = 'an integer from 0 to 2^32 - 1';
const BOOLEAN = 'true or false';
const TIME = 'a bigint from 0n to 2^64 - 1';

// The addon exists for little-endian machines only: the low word comes first.
const wide = new BigUint64Array(1);
const halves = new Uint32Array(wide.buffer);

// One for all calls of this thread: a report is read completely before it is written down here.
const words: ReportWords = {
  addressLow: 0,
  addressHigh: 0,
  timeLow: 0,
  timeHigh: 0,
  size: 0,
  tid: 0,
  tgid: 0,
  flags: 0,
};

/**
 * Checks a report and takes it apart. The words are valid until the next call.
 *
 * @throws DamonError `ERR_DAMON_REPORT`
 */
export function reportWords(report: AccessReport): Readonly<ReportWords> {
  if (typeof report !== 'object' || report === null) throw refused('report', 'an object', report);
  const {
    address,
    size = 1,
    cpu = 0,
    tid = 0,
    tgid = 0,
    write = false,
    virtual = false,
    timeNs,
  } = report;
  const isSound =
    isAddress(address) &&
    isU32(size) &&
    size !== 0 &&
    isU32(cpu) &&
    cpu <= 0xffff &&
    isU32(tid) &&
    isU32(tgid) &&
    typeof write === 'boolean' &&
    typeof virtual === 'boolean' &&
    (timeNs === undefined || isU64(timeNs));
  if (!isSound) throw unsound(report);
  if (typeof address === 'number') {
    words.addressLow = address >>> 0;
    words.addressHigh = (address / TWO_32) >>> 0;
  } else {
    wide[0] = address;
    words.addressLow = halves[0] ?? 0;
    words.addressHigh = halves[1] ?? 0;
  }
  if (timeNs === undefined) {
    words.timeLow = UNDATED.low;
    words.timeHigh = UNDATED.high;
  } else {
    wide[0] = timeNs;
    words.timeLow = halves[0] ?? 0;
    words.timeHigh = halves[1] ?? 0;
  }
  words.size = size;
  words.tid = tid;
  words.tgid = tgid;
  words.flags = cpu | (virtual ? VIRTUAL : 0) | (write ? WRITE : 0);
  return words;
}

function isU32(value: unknown): value is number {
  return typeof value === 'number' && value >>> 0 === value;
}

function isU64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= 0n && value <= U64_MAX;
}

function isAddress(value: unknown): value is number | bigint {
  return isNumberAddress(value) || isU64(value);
}

function isNumberAddress(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The error for the first field that is wrong. */
function unsound(report: AccessReport): DamonError {
  const { address, size, cpu, tid, tgid, write, virtual, timeNs } = report;
  const fields: readonly [path: string, value: unknown, isSound: boolean, expected: string][] = [
    ['address', address, isAddress(address), ADDRESS],
    ['size', size, size === undefined || isSize(size), SIZE],
    ['cpu', cpu, cpu === undefined || isCpu(cpu), CPU],
    ['tid', tid, tid === undefined || isU32(tid), ID],
    ['tgid', tgid, tgid === undefined || isU32(tgid), ID],
    ['write', write, write === undefined || typeof write === 'boolean', BOOLEAN],
    ['virtual', virtual, virtual === undefined || typeof virtual === 'boolean', BOOLEAN],
    ['timeNs', timeNs, timeNs === undefined || isU64(timeNs), TIME],
  ];
  const wrong = fields.find(([, , isSound]) => !isSound);
  // A getter may answer otherwise when it is asked again.
  if (wrong === undefined) return refused('report', 'an object that keeps its values', report);
  const [path, value, , expected] = wrong;
  return refused(path, expected, value);
}

function isSize(value: unknown): value is number {
  return isU32(value) && value !== 0;
}

function isCpu(value: unknown): value is number {
  return isU32(value) && value <= 0xffff;
}

function refused(path: string, expected: string, received: unknown): DamonError {
  return refuse({ code: CODE, path, expected, received });
}

/** A kind of typed array. */
interface Kind<Column> {
  readonly name: string;
  readonly is: (value: unknown) => value is Column;
  /** A copy in memory of this thread's own. */
  readonly copy: (shared: Column) => Column;
}

type AnyColumn = BigUint64Array | Float64Array | Uint32Array | Uint16Array | Uint8Array;

function kindOf<Column>(
  type: { readonly name: string; new (shared: Column): Column },
  is: Kind<Column>['is'],
): Kind<Column> {
  return { name: type.name, is, copy: (shared) => new type(shared) };
}

const BIGUINT64: Kind<BigUint64Array> = kindOf(BigUint64Array, types.isBigUint64Array);
const FLOAT64: Kind<Float64Array> = kindOf(Float64Array, types.isFloat64Array);
const UINT32: Kind<Uint32Array> = kindOf(Uint32Array, types.isUint32Array);
const UINT16: Kind<Uint16Array> = kindOf(Uint16Array, types.isUint16Array);
const UINT8: Kind<Uint8Array> = kindOf(Uint8Array, types.isUint8Array);

/**
 * Checks everything about columns but the addresses; see {@link checkAddresses} for those. Columns in shared memory are copied: another thread may write them at any time.
 *
 * @throws DamonError `ERR_DAMON_REPORT` for arrays of another kind or length, or whose memory is
 *   gone, and for single values that a report could not have either
 */
export function checkColumns(columns: ReportColumns): CheckedColumns {
  if (typeof columns !== 'object' || columns === null) {
    throw refused('columns', 'an object', columns);
  }
  const {
    addresses: given,
    size = 1,
    cpu = 0,
    tid = 0,
    tgid = 0,
    write = false,
    virtual = false,
    timeNs,
  } = columns;
  const addresses = BIGUINT64.is(given)
    ? ownColumn(given, 'addresses', BIGUINT64)
    : ownColumn(given, 'addresses', FLOAT64, 'a BigUint64Array or a Float64Array');
  const { length } = addresses;
  if (typeof virtual !== 'boolean') throw refused('virtual', BOOLEAN, virtual);
  return {
    addresses,
    size: isSize(size) ? size : sizeColumn(size, length),
    cpu: isCpu(cpu) ? cpu : column(cpu, 'cpu', UINT16, CPU, length),
    tid: isU32(tid) ? tid : column(tid, 'tid', UINT32, ID, length),
    tgid: isU32(tgid) ? tgid : column(tgid, 'tgid', UINT32, ID, length),
    write: typeof write === 'boolean' ? write : column(write, 'write', UINT8, BOOLEAN, length),
    isVirtual: virtual,
    ...(timeNs !== undefined && {
      timeNs: isU64(timeNs) ? timeNs : column(timeNs, 'timeNs', BIGUINT64, TIME, length),
    }),
  };
}

function sizeColumn(value: unknown, length: number): Uint32Array {
  const sizes = column(value, 'size', UINT32, SIZE, length);
  const bad = sizes.indexOf(0);
  if (bad !== -1) throw refused(`size[${bad}]`, SIZE, 0);
  return sizes;
}

/** A column as long as the addresses; `single` says what could have been given instead. */
function column<Column extends AnyColumn>(
  value: unknown,
  path: string,
  kind: Kind<Column>,
  single: string,
  length: number,
): Column {
  const own = ownColumn(value, path, kind, `${single}, or a ${kind.name}`);
  if (own.length !== length) {
    throw refused(`${path}.length`, `${length}, the number of addresses`, own.length);
  }
  return own;
}

function ownColumn<Column extends AnyColumn>(
  value: unknown,
  path: string,
  kind: Kind<Column>,
  expected = `a ${kind.name}`,
): Column {
  if (!kind.is(value)) throw refused(path, expected, value);
  if (types.isSharedArrayBuffer(value.buffer)) return kind.copy(value);
  if (value.length === 0 && isGone(value)) {
    throw refused(path, `${expected}, whose memory is neither detached nor too short`, value);
  }
  return value;
}

/** Whether the memory of an array that has no elements was taken away: a look at it then throws. */
function isGone(empty: AnyColumn): boolean {
  try {
    empty.keys();
    return false;
  } catch {
    return true;
  }
}

/**
 * Checks addresses that are numbers, each of which must be an integer. The addon does so by itself.
 *
 * @throws DamonError `ERR_DAMON_REPORT`
 */
export function checkAddresses({ addresses }: CheckedColumns): void {
  if (!FLOAT64.is(addresses)) return;
  // Not `findIndex`: calling back for each costs more than the push.
  for (let i = 0; i < addresses.length; i++) {
    if (!isNumberAddress(addresses[i])) {
      throw refused(`addresses[${i}]`, NUMBER_ADDRESS, addresses[i]);
    }
  }
}
