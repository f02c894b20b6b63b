import test from 'ava';
import fc from 'fast-check';

import {
  fitHeatScale,
  HEAT_ON_DARK,
  HEAT_ON_LIGHT,
  heatColor,
  heatPosition,
} from '../../src/report/palette.ts';
import { check } from './property.ts';

test('a hotter rate never looks colder', (t) => {
  const rate = fc.double({ min: 0, max: 1e9, noNaN: true });
  check(
    t,
    fc.property(fc.array(rate, { minLength: 1 }), rate, rate, (rates, a, b) => {
      const scale = fitHeatScale(Float64Array.from(rates));
      const [cold, hot] = [Math.min(a, b), Math.max(a, b)].map((any) => heatPosition(scale, any));
      t.true(cold !== undefined && hot !== undefined && 0 <= cold && cold <= hot && hot <= 1);
    }),
  );
});

test('no hits are told apart from the fewest hits', (t) => {
  const scale = fitHeatScale(Float64Array.of(0, NaN, 0.001, 1000));
  t.is(heatPosition(scale, 0), 0);
  t.is(heatPosition(scale, NaN), 0);
  t.true(heatPosition(scale, 1e-12) > 0);
  t.is(heatPosition(scale, 1000), 1);
});

test('nothing at all, or one rate only, has a scale too', (t) => {
  t.is(heatPosition(fitHeatScale(Float64Array.of(0, NaN)), 0), 0);
  t.is(heatPosition(fitHeatScale(Float64Array.of(5, 5)), 5), 1);
});

test('lightness rises evenly on a dark page and falls evenly on a light one', (t) => {
  for (const [ramp, sign] of [
    [HEAT_ON_DARK, 1],
    [HEAT_ON_LIGHT, -1],
  ] as const) {
    const light = Array.from({ length: 101 }, (_, i) => sign * lightness(heatColor(ramp, i / 100)));
    const steps = light.slice(1).map((value, i) => value - (light[i] ?? NaN));
    t.true(steps.every((step) => step > 0 && step < 2));
  }
});

/** CIE L*, 0 to 100. */
function lightness(color: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = color.map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.008856 ? 116 * Math.cbrt(luminance) - 16 : 903.3 * luminance;
}
