import test from 'ava';
import fc from 'fast-check';

import {
  formatAddress,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatShare,
  formatSigned,
} from '../../src/report/format.ts';
import { check } from './property.ts';

test('sizes are in the largest binary unit that leaves at least 1', (t) => {
  t.deepEqual([0, 1, 1023, 1024, 1536, 1023.6 * 1024, 2 ** 37, 2n ** 63n].map(formatBytes), [
    '0 B',
    '1 B',
    '1023 B',
    '1 KiB',
    '1.5 KiB',
    '1 MiB',
    '128 GiB',
    '8 EiB',
  ]);
});

test('addresses are hexadecimal', (t) => {
  t.is(formatAddress(0x1c0000000n), '0x1c0000000');
});

test('durations have two units at most', (t) => {
  t.deepEqual(
    [0, 2e-7, 0.00125, 0.35, 0.9996, 12.5, 59.96, 245, 300, 9000, 7200, 100 * 3600, -90].map(
      formatDuration,
    ),
    [
      '0 s',
      '0.2 µs',
      '1.25 ms',
      '350 ms',
      '1 s',
      '12.5 s',
      '1 min',
      '4 min 05 s',
      '5 min',
      '2 h 30 min',
      '2 h',
      '4 d 04 h',
      '-1 min 30 s',
    ],
  );
});

test('counts have their thousands set apart', (t) => {
  t.deepEqual([0, 999, 1000, 1234567, -1234567].map(formatCount), [
    '0',
    '999',
    '1,000',
    '1,234,567',
    '-1,234,567',
  ]);
  t.is(formatCount(2n ** 64n), '18,446,744,073,709,551,616');
});

test('rates have three digits and a prefix', (t) => {
  t.deepEqual([0, 0.042, 8.5, 120, 999.6, 1_250_000, 4.2e13].map(formatRate), [
    '0',
    '0.042',
    '8.5',
    '120',
    '1 k',
    '1.25 M',
    '42000 G',
  ]);
});

test('a share is 0 % only when it is nothing', (t) => {
  t.deepEqual([0, 0.0001, 0.0005, 0.236, 1].map(formatShare), [
    '0.0 %',
    '< 0.1 %',
    '0.1 %',
    '23.6 %',
    '100.0 %',
  ]);
  t.is(formatPercent(69.734, 2), '69.73 %');
});

test('differences carry their sign unless they are shown as zero', (t) => {
  t.deepEqual(
    [1, -0.274, 0, -0.001].map((value) => formatSigned(value)),
    ['+1.00', '−0.27', '0.00', '0.00'],
  );
});

test('a number keeps three significant digits and never has an exponent', (t) => {
  t.is(formatNumber(NaN), 'NaN');
  check(
    t,
    fc.property(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), (value) => {
      const text = formatNumber(value);
      t.regex(text, /^\d+(\.\d*[1-9])?$/);
      t.true(Math.abs(Number(text) - value) <= value * 0.0051);
    }),
  );
});
