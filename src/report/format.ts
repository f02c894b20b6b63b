/**
 * Numbers as people read them: sizes, addresses, durations, rates, shares.
 *
 * Plain text without a locale, so that the same record gives the same bytes everywhere. Every
 * unit is written out; a space stands between a number and its unit.
 */

import type { GoalReading } from '../goal/goal.ts';
import { item } from './item.ts';

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Bytes per MiB. */
export const MIB = 1_048_576;

/** A size in the largest binary unit that leaves at least 1, to three digits: `1.5 GiB`, `128 GiB`. */
export function formatBytes(bytes: number | bigint): string {
  let value = Number(bytes);
  let unit = 0;
  // 1023.5 would be shown as 1024, which is 1 of the next unit.
  while (Math.abs(value) >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${formatNumber(value)} ${item(BYTE_UNITS, unit)}`;
}

/** An address in hexadecimal: `0x1c0000000`. */
export function formatAddress(address: bigint): string {
  return `0x${address.toString(16)}`;
}

/** A length of time, two units at most: `350 ms`, `12.5 s`, `4 min 05 s`, `5 min`, `2 h 30 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds === 0) return '0 s';
  if (seconds < 0.9995e-3) return `${formatNumber(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${formatNumber(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${formatNumber(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return twoUnits(minutes, 'min', whole % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return twoUnits(hours, 'h', minutes % 60, 'min');
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** A count with its thousands set apart: `1,234,567`. */
export function formatCount(count: number | bigint): string {
  const text = typeof count === 'bigint' ? count.toString() : String(Math.round(count));
  return text.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A rate to three digits, with `k`, `M` or `G` for thousands: `0.042`, `8.5`, `120`, `1.25 M`. */
export function formatRate(rate: number): string {
  let value = rate;
  for (const prefix of ['', ' k', ' M', ' G']) {
    if (Math.abs(value) < 999.5 || prefix === ' G') return `${formatNumber(value)}${prefix}`;
    value /= 1000;
  }
  return formatNumber(value);
}

/** A percentage with fixed digits after the point: `69.7 %`. */
export function formatPercent(percent: number, digits = 1): string {
  return `${percent.toFixed(digits)} %`;
}

/** A share from 0 to 1 as a percentage that is 0 only for nothing: `23.6 %`, `< 0.1 %`. */
export function formatShare(share: number): string {
  return share > 0 && share < 0.0005 ? '< 0.1 %' : formatPercent(share * 100);
}

/** What a goal's metric read, in the metric's unit: `68.2 %`, `12.5 ms`, `7`. */
export function formatReading({ goal: { metric }, currentValue }: GoalReading): string {
  if (typeof metric === 'string' && metric.endsWith('_bp')) return formatShare(currentValue / 1e4);
  if (metric === 'some_mem_psi_us') return formatDuration(currentValue / 1e6);
  return formatNumber(currentValue);
}

/** A difference with its sign: `+1.00`, `−0.27`, `0.00`. */
export function formatSigned(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return value < 0 ? `−${text}` : `+${text}`;
}

/** A number to three significant digits, without trailing zeros or an exponent. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(Math.abs(value)))));
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = small > 0 ? ` ${String(small).padStart(2, '0')} ${smallUnit}` : '';
  return `${large} ${largeUnit}${rest}`;
}
