import test from 'ava';
import fc from 'fast-check';

import { DamonError } from '../src/errors.ts';
import {
  type UnitName,
  expectedQuantity,
  quantity,
  readAddress,
  readQuantity,
} from '../src/units.ts';
import { holds } from './support/property.ts';

const READ: readonly [input: unknown, unit: UnitName, value: number][] = [
  ['5 ms', 'us', 5_000],
  ['5ms', 'ms', 5],
  ['  5 ms  ', 'ns', 5_000_000],
  ['1 µs', 'ns', 1_000],
  ['1 us', 'ns', 1_000],
  ['1 s', 'ms', 1_000],
  ['2 m', 'ms', 120_000],
  ['2 min', 'ms', 120_000],
  ['1 h', 'ns', 3_600_000_000_000],
  // Binary fractions would give 100.00000000000001.
  ['0.1 s', 'ms', 100],
  ['0.3 s', 'ms', 300],
  ['1.005 s', 'ms', 1_005],
  ['0.001 ms', 'us', 1],
  ['0 s', 'ms', 0],
  [7, 'ms', 7],
  [0, 'bytes', 0],
  ['1 B', 'bytes', 1],
  ['512 MiB', 'bytes', 512 * 2 ** 20],
  ['4K', 'bytes', 4_096],
  ['1.5 GiB', 'bytes', 1.5 * 2 ** 30],
  ['8 TiB', 'bytes', 8 * 2 ** 40],
  ['72 GB/s', 'bytesPerS', 72e9],
  ['72 GB', 'bytesPerS', 72e9],
  ['298.8GB/s', 'bytesPerS', 298.8e9],
  ['64 MiB', 'bytesPerS', 2 ** 26],
  ['64 MiB/s', 'bytesPerS', 2 ** 26],
  ['70 %', 'bp', 7_000],
  ['0.01%', 'bp', 1],
  ['25 bp', 'bp', 25],
  [`${Number.MAX_SAFE_INTEGER} B`, 'bytes', Number.MAX_SAFE_INTEGER],
  [Number.MAX_SAFE_INTEGER, 'bytes', Number.MAX_SAFE_INTEGER],
];

test('quantities are read exactly, in the unit of their field', (t) => {
  for (const [input, unit, value] of READ) t.is(readQuantity(input, unit), value, `${input}`);
});

const REFUSED: readonly [input: unknown, unit: UnitName][] = [
  // Not a whole number of the field's unit: never rounded.
  ['0.0001 ms', 'us'],
  ['1 us', 'ms'],
  ['0.5 B', 'bytes'],
  ['0.001 %', 'bp'],
  [1.5, 'ms'],
  [-1, 'ms'],
  ['-1 ms', 'ms'],
  [NaN, 'ms'],
  [Infinity, 'bytes'],
  [2 ** 53, 'bytes'],
  ['9007199254740992 B', 'bytes'],
  ['1e3 ms', 'ms'],
  ['', 'ms'],
  ['5', 'ms'],
  ['ms', 'ms'],
  ['5 5 ms', 'ms'],
  ['.5 s', 'ms'],
  ['5. s', 'ms'],
  ['1_000 ms', 'ms'],
  ['٥ ms', 'ms'],
  // Another quantity's unit, a wrong case, or a name that every object has.
  ['5 MiB', 'ms'],
  ['5 ms', 'bytes'],
  ['5 MS', 'ms'],
  ['5 mib', 'bytes'],
  // A size is no power of ten, and has no second.
  ['5 GB', 'bytes'],
  ['5 MiB/s', 'bytes'],
  ['5 GB/ms', 'bytesPerS'],
  ['5 constructor', 'ms'],
  [5n, 'bytes'],
  [null, 'ms'],
  [undefined, 'ms'],
  [['5 ms'], 'ms'],
  [true, 'ms'],
];

test('what is not such a quantity is refused, not guessed', (t) => {
  for (const [input, unit] of REFUSED) t.is(readQuantity(input, unit), undefined, String(input));
});

test('a refused quantity names the option, what it takes, and what it got', (t) => {
  const error = t.throws(() => quantity('5 parsecs', 'ms', '--every'), { instanceOf: DamonError });
  t.is(error.code, 'ERR_DAMON_CONFIG_UNIT');
  t.is(error.path, '--every');
  t.is(error.expected, expectedQuantity('ms'));
  t.regex(error.expected ?? '', /"1 s"/);
  t.is(error.received, '5 parsecs');
  t.is(quantity('5 s', 'ms', '--every'), 5_000);
});

test('addresses are numbers, bigints, hexadecimal or sizes', (t) => {
  const addresses: readonly [unknown, number | undefined][] = [
    [4_096, 4_096],
    [4_096n, 4_096],
    ['0x40000000', 2 ** 30],
    ['0XfF', 255],
    ['0xFf', 255],
    ['1 GiB', 2 ** 30],
    ['0', 0],
    ['0x1fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['0x20000000000000', undefined],
    [2n ** 53n, undefined],
    [2n ** 64n, undefined],
    [-1n, undefined],
    [-1, undefined],
    ['0x', undefined],
    ['0xg', undefined],
    ['40000000', undefined],
    [null, undefined],
  ];
  for (const [input, value] of addresses) t.is(readAddress(input), value, String(input));
});

const UNITS: readonly [text: string, unit: UnitName, scale: number][] = [
  ['ns', 'ns', 1],
  ['us', 'ns', 1e3],
  ['ms', 'us', 1e3],
  ['s', 'ms', 1e3],
  ['h', 'ms', 3.6e6],
  ['KiB', 'bytes', 2 ** 10],
  ['TiB', 'bytes', 2 ** 40],
  ['%', 'bp', 100],
];

test('what is written with a unit is read back, whole or with decimals', (t) => {
  for (const [text, unit, scale] of UNITS) {
    const most = Math.floor(Number.MAX_SAFE_INTEGER / scale);
    holds(t, [fc.nat(most)], (n) => readQuantity(`${n} ${text}`, unit) === n * scale);
  }
  holds(t, [fc.nat(1e9)], (ms) => {
    const [seconds, rest] = [Math.floor(ms / 1_000), ms % 1_000];
    return readQuantity(`${seconds}.${String(rest).padStart(3, '0')} s`, 'ms') === ms;
  });
});

test('an address is read back from every way to write it', (t) => {
  holds(t, [fc.maxSafeNat()], (address) =>
    [address, BigInt(address), `0x${address.toString(16)}`, `${address} B`].every(
      (text) => readAddress(text) === address,
    ),
  );
});

test('no text makes the readers fail or answer with an inexact number', (t) => {
  const junk = fc.oneof(fc.string(), fc.anything({ withBigInt: true }));
  const units = fc.constantFrom<UnitName[]>('ns', 'us', 'ms', 'bytes', 'bytesPerS', 'bp');
  holds(t, [junk, units], (input, unit) =>
    [readQuantity(input, unit), readAddress(input)].every(
      (value) => value === undefined || (Number.isSafeInteger(value) && value >= 0),
    ),
  );
});
