/**
 * Texts of files: how each kind is read when written, and shown when read.
 *
 * `damon-core.md` 9.1. Not here: which file is of which kind.
 */
import { readCpuList } from '../monitor/sample-filter.ts';
import { either } from '../validate.ts';
import { refused } from './errno.ts';

/** What a file holds. Numbers of every width are `bigint`. */
export type Value = bigint | boolean | string | readonly number[];

/** A text that was read, or what to answer. */
export type Read<V> = { readonly value: V } | { readonly errno: 'EINVAL' | 'ERANGE' };

/** A kind of text. */
export interface Format<V extends Value = Value> {
  /** Completes "Expected `path` to be …". */
  readonly expected: string;
  read(text: string): Read<V>;
  /** Without the newline that ends it. Always read as the same value again. */
  show(value: V): string;
}

/**
 * Reads what was written to a file.
 *
 * @throws AdminError `EINVAL` or `ERANGE`
 */
export function readText<V extends Value>(format: Format<V>, path: string, text: string): V {
  const read = format.read(text);
  if ('value' in read) return read.value;
  throw refused(read.errno, { path, expected: format.expected, received: text });
}

const INVALID = { errno: 'EINVAL' } as const;
const OUT_OF_RANGE = { errno: 'ERANGE' } as const;
const U64_MAX = 2n ** 64n - 1n;

/** Numbers from `min` to `max`. */
interface Numbers {
  readonly min: bigint;
  readonly max: bigint;
  /** What is within the bounds of the type, and yet `EINVAL`. */
  readonly excludes?: (value: bigint) => boolean;
  /** Beyond the bounds is `EINVAL` too. */
  readonly rangeless?: true;
  /** Shown so. */
  readonly base?: 'hex';
  /** Instead of the bounds. */
  readonly expected?: string;
}

function numbers({ min, max, excludes, rangeless, base, expected }: Numbers): Format<bigint> {
  return {
    expected: expected ?? `an integer from ${min} to ${max}`,
    read(text) {
      const value = readInteger(text, min < 0n);
      if (value === undefined) return INVALID;
      if (value < min || max < value) return rangeless ? INVALID : OUT_OF_RANGE;
      return excludes?.(value) ? INVALID : { value };
    },
    show: (value) => (base === 'hex' ? `0x${value.toString(16)}` : value.toString()),
  };
}

/** Reads a number as `kstrtoull` and `kstrtoll` do; beyond 64 bits it is only somewhere beyond. */
function readInteger(text: string, signed: boolean): bigint | undefined {
  const negative = signed && text.startsWith('-');
  const unsigned = negative ? text.slice(1) : text.replace(/^\+/, '');
  const [digits] = /^(?:0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)/i.exec(unsigned) ?? [];
  if (digits === undefined) return undefined;
  const octal = /^0[0-7]/.test(digits);
  const magnitude = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  // Too large is found while reading digits, before what follows them is looked at.
  const rest = magnitude > U64_MAX ? '' : withoutNewline(unsigned.slice(digits.length));
  if (rest !== '') return undefined;
  return negative ? -magnitude : magnitude;
}

function withoutNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

const u64 = { min: 0n, max: U64_MAX } as const;
const u32 = { min: 0n, max: 2n ** 32n - 1n } as const;
const int = { min: -(2n ** 31n), max: 2n ** 31n - 1n } as const;

export const U64: Format<bigint> = numbers(u64);
export const U32: Format<bigint> = numbers(u32);
export const INT: Format<bigint> = numbers(int);
export const U64_RANGELESS: Format<bigint> = numbers({ ...u64, rangeless: true });
export const U32_RANGELESS: Format<bigint> = numbers({ ...u32, rangeless: true });
export const INT_RANGELESS: Format<bigint> = numbers({ ...int, rangeless: true });
export const HEX_U64: Format<bigint> = numbers({ ...u64, base: 'hex' });
export const HEX_U32: Format<bigint> = numbers({ ...u32, base: 'hex' });
export const POSITIVE_U64: Format<bigint> = numbers({
  ...u64,
  excludes: (value) => value === 0n,
  expected: `an integer from 1 to ${U64_MAX}`,
});

/** A number of directories. */
export function countTo(max: bigint = int.max): Format<bigint> {
  return numbers({
    ...int,
    excludes: (value) => value < 0n || max < value,
    expected: `an integer from 0 to ${max}`,
  });
}

function flags(yes: string, no: string): Format<boolean> {
  return {
    expected: `${yes} or ${no}`,
    // Only the first letter counts, or two where the first is an `o`.
    read(text) {
      if (/^(?:[yt1]|on)/i.test(text)) return { value: true };
      return /^(?:[nf0]|of)/i.test(text) ? { value: false } : INVALID;
    },
    show: (value) => (value ? yes : no),
  };
}

export const BOOL: Format<boolean> = flags('Y', 'N');
/** As {@link BOOL}, shown as a number. */
export const BIT: Format<boolean> = flags('1', '0');

/** One of a few words. */
export function wordOf(words: readonly string[]): Format<string> {
  return {
    expected: either(words),
    read(text) {
      const word = withoutNewline(text);
      return words.includes(word) ? { value: word } : INVALID;
    },
    show: (value) => value,
  };
}

/** The path of a cgroup. Whether there is one is not asked here. */
export const PATH: Format<string> = {
  expected: 'a path',
  read: (text) => ({ value: withoutNewline(text) }),
  show: (value) => value,
};

/** Numbers in a list that may be empty. */
function listOf(list: {
  readonly expected: string;
  read(text: string): readonly number[] | undefined;
  show(value: readonly number[]): string;
}): Format<readonly number[]> {
  return {
    expected: list.expected,
    read(text) {
      const line = withoutNewline(text);
      const value = line === '' ? [] : list.read(line);
      return value ? { value } : INVALID;
    },
    show: (value) => list.show(value),
  };
}

/** The kernel's CPU list format. */
export const CPUS: Format<readonly number[]> = listOf({
  expected: 'a list of CPUs, such as 0-3,8',
  read: (text) => readCpuList(text)?.toSorted((a, b) => a - b),
  show: showCpuList,
});

function showCpuList(cpus: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const cpu of cpus) {
    const range = ranges.at(-1);
    if (range?.last === cpu - 1) range.last = cpu;
    else ranges.push({ first: cpu, last: cpu });
  }
  return ranges.map(({ first, last }) => (first < last ? `${first}-${last}` : first)).join(',');
}

const TID_MAX = Number(int.max);

/** Thread ids, in the order given. */
export const TIDS: Format<readonly number[]> = listOf({
  expected: 'a list of thread ids, such as 1200,1201',
  read(text) {
    if (!/^\d+(?:,\d+)*$/.test(text)) return undefined;
    const tids = text.split(',').map(Number);
    return tids.every((tid) => tid <= TID_MAX) ? tids : undefined;
  },
  show: (tids) => tids.join(','),
});
