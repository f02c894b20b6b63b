/**
 * Quantities as people write them: one parser for every option that has a unit.
 *
 * A field names its unit (`sampleUs`, `szBytes`, `targetBp`): a number is in that unit, a text says
 * its own ("5 ms", "512 MiB", "70 %"). Nothing is rounded silently: a text that is not a whole
 * number of the field's unit is refused.
 */
import { refuse } from './errors.ts';

/** A number in the unit the field is named for, or a text with a unit, such as `"5 ms"`. */
export type Duration = number | string;
/** A number of bytes, or a text with a unit, such as `"512 MiB"`. */
export type Bytes = number | string;
/** A number of bytes per second, or a text with a unit, such as `"72 GB/s"`. */
export type Bandwidth = number | string;
/** A number in basis points, or a text such as `"70 %"`. */
export type Ratio = number | string;
/** A byte address: a number or bigint, or a text such as `"0x40000000"` or `"1 GiB"`. */
export type Address = number | bigint | string;

const NS = { ns: 1, us: 1_000, µs: 1_000, ms: 1_000_000, s: 1_000_000_000 } as const;
const LONGER = { m: 60_000_000_000, min: 60_000_000_000, h: 3_600_000_000_000 } as const;
const DURATIONS = { ...NS, ...LONGER };

const KIB = 1024;
const SIZES = {
  B: 1,
  KiB: KIB,
  MiB: KIB ** 2,
  GiB: KIB ** 3,
  TiB: KIB ** 4,
  // As damo and the kernel's own parser read them: powers of two.
  K: KIB,
  M: KIB ** 2,
  G: KIB ** 3,
  T: KIB ** 4,
};
/** Of memory, data sheets have powers of ten. */
const RATES = {
  ...SIZES,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};
const PER_SECOND = Object.fromEntries(
  Object.entries(RATES).flatMap(([name, bytes]) => [
    [name, bytes],
    [`${name}/s`, bytes],
  ]),
);
const RATIOS = { bp: 1, '%': 100 };

/** The unit in which a quantity is wanted. */
export type UnitName = 'ns' | 'us' | 'ms' | 'bytes' | 'bytesPerS' | 'bp';

interface Quantity {
  /** Multiples of the base unit. */
  readonly units: Readonly<Record<string, number>>;
  /** The field's own unit in base units. */
  readonly own: number;
  /** Completes "Expected `path` to be …". */
  readonly expected: string;
}

const QUANTITIES: Readonly<Record<UnitName, Quantity>> = {
  ns: { units: DURATIONS, own: NS.ns, expected: 'whole nanoseconds, or a time such as "5 ms"' },
  us: { units: DURATIONS, own: NS.us, expected: 'whole microseconds, or a time such as "5 ms"' },
  ms: { units: DURATIONS, own: NS.ms, expected: 'whole milliseconds, or a time such as "1 s"' },
  bytes: { units: SIZES, own: 1, expected: 'whole bytes, or a size such as "512 MiB"' },
  bytesPerS: {
    units: PER_SECOND,
    own: 1,
    expected: 'whole bytes per second, or a bandwidth such as "72 GB/s"',
  },
  bp: { units: RATIOS, own: 1, expected: 'whole basis points, or a share such as "70 %"' },
};

/** What a quantity of that unit may look like, in words. */
export function expectedQuantity(unit: UnitName): string {
  return QUANTITIES[unit].expected;
}

/** What a text with a unit looks like, as a pattern of JSON Schema. */
export function quantityPattern(unit: UnitName): string {
  return `^\\s*\\d+(\\.\\d+)?\\s*(${Object.keys(QUANTITIES[unit].units).join('|')})\\s*$`;
}

/** What the text of an address looks like, likewise. */
export function addressPattern(): string {
  return `^(0[xX][0-9a-fA-F]+|0)$|${quantityPattern('bytes')}`;
}

/**
 * Reads a quantity; `undefined` for what is not one: negative, fractional, of no or another unit,
 * or too large for a number to hold exactly.
 */
export function readQuantity(input: unknown, unit: UnitName): number | undefined {
  const { units, own } = QUANTITIES[unit];
  if (typeof input === 'number') return whole(input);
  if (typeof input !== 'string') return undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-zµ%/]+)\s*$/iu.exec(input);
  const [, digits = '', name = ''] = match ?? [];
  const scale = Object.hasOwn(units, name) ? units[name] : undefined;
  if (scale === undefined) return undefined;
  // In decimal digits, so that "0.1 s" is exactly 100 ms.
  const [integer = '', fraction = ''] = digits.split('.');
  const scaled = BigInt(integer + fraction) * BigInt(scale);
  const divisor = 10n ** BigInt(fraction.length) * BigInt(own);
  return scaled % divisor === 0n ? whole(Number(scaled / divisor)) : undefined;
}

/**
 * Reads a physical address: at most 52 bits, so a number holds it exactly. A text of digits alone
 * could be meant in either base, so only `"0"` is taken.
 */
export function readAddress(input: unknown): number | undefined {
  if (typeof input === 'bigint') return input >= 0n ? whole(Number(input)) : undefined;
  if (typeof input === 'string' && /^(0x[0-9a-f]+|0)$/i.test(input)) return whole(Number(input));
  return readQuantity(input, 'bytes');
}

/**
 * Reads a quantity that a command line or a library user gave.
 *
 * @throws DamonError `ERR_DAMON_CONFIG_UNIT`
 */
export function quantity(input: unknown, unit: UnitName, path: string): number {
  const value = readQuantity(input, unit);
  if (value !== undefined) return value;
  throw refuse({
    code: 'ERR_DAMON_CONFIG_UNIT',
    path,
    expected: expectedQuantity(unit),
    received: input,
  });
}

function whole(value: number): number | undefined {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
