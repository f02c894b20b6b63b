/**
 * The colours of heat, and the scale that says which rate gets which.
 *
 * Two ramps of one design: lightness rises (or falls) evenly while the hue turns from violet over
 * red to yellow, so the order survives colour blindness and a grey printer. Cold is always close
 * to the page, hot is always far from it.
 */

import { item } from './item.ts';

/** Cold to hot on a dark page. */
export const HEAT_ON_DARK: readonly string[] = [
  '#211f38',
  '#2d1f56',
  '#4d2177',
  '#722a81',
  '#9a3380',
  '#c23f74',
  '#e35a62',
  '#f58360',
  '#fcb077',
  '#fddb9b',
  '#fcf7c5',
];

/** Cold to hot on a light page. */
export const HEAT_ON_LIGHT: readonly string[] = [
  '#f1eee8',
  '#fbe3bd',
  '#fdc892',
  '#faa670',
  '#f0825f',
  '#db5f63',
  '#bb4271',
  '#95307b',
  '#6d247a',
  '#461c68',
  '#22103f',
];

/** {@link HEAT_ON_DARK} for terminals with 256 colours. */
export const HEAT_ANSI256: readonly number[] = [234, 17, 54, 90, 126, 161, 203, 209, 215, 222, 230];

/** {@link HEAT_ON_DARK} without colour, from the lightest glyph to the heaviest. */
export const HEAT_GLYPHS = '.:-=+*#%@';

/** Decades below the hottest rate that a scale still tells apart. */
const DECADES_MAX = 4;

/** Share of the rates at either end that a scale lets saturate, so that one outlier does not darken the rest. */
const TAIL = 0.005;

/** Where the slowest rate lies: apart from none at all. */
export const FIRST_STEP = 0.08;

/** A logarithmic scale for rates, fitted to the rates at hand. */
export interface HeatScale {
  /** The rate at which colour begins: here and below (but above 0) a cell has the first step. */
  readonly low: number;
  /** The rate at which colour ends: here and above a cell has the hottest colour. */
  readonly high: number;
}

/** The scale that shows the given rates best; zeros and `NaN` do not count. */
export function fitHeatScale(rates: Float64Array): HeatScale {
  const sorted = rates.filter((rate) => rate > 0).toSorted();
  if (sorted.length === 0) return { low: 1, high: 1 };
  const high = item(sorted, Math.floor((sorted.length - 1) * (1 - TAIL)));
  const low = item(sorted, Math.floor((sorted.length - 1) * TAIL));
  return { low: Math.max(low, high / 10 ** DECADES_MAX), high };
}

/** Where a rate lies on a scale: 0 for none, then from just above 0 up to 1 for the hottest. */
export function heatPosition({ low, high }: HeatScale, rate: number): number {
  if (!(rate > 0)) return 0;
  if (rate >= high) return 1;
  if (rate <= low) return FIRST_STEP;
  const position = Math.log(rate / low) / Math.log(high / low);
  return FIRST_STEP + (1 - FIRST_STEP) * position;
}

/** The colour at a position on a ramp, as red, green and blue from 0 to 255. */
export function heatColor(ramp: readonly string[], position: number): [number, number, number] {
  const at = Math.min(1, Math.max(0, position)) * (ramp.length - 1);
  const index = Math.min(Math.floor(at), ramp.length - 2);
  const [from, to] = [rgb(item(ramp, index)), rgb(item(ramp, index + 1))];
  const mix = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * (at - index));
  return [mix(0), mix(1), mix(2)];
}

function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 0xff, value & 0xff];
}
