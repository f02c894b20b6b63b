/** What is drawn can be seen and told apart on both pages, also without one kind of cones, and on paper. */
import test from 'ava';

import { SCRIPT } from '../../../src/report/page/script.ts';
import { STYLE } from '../../../src/report/page/style.ts';

const [, light = '', dark = ''] =
  /:root \{([^}]*)\}\s*\/\*[^*]*\*\/\s*@media screen and \(prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}/.exec(
    STYLE,
  ) ?? [];
const SERIES = ['series-1', 'series-2', 'series-3', 'series-4'];
/** What those see who have no cones for long, middle, or short waves: Machado et al. 2009, severity 1. */
const SIGHTS = {
  all: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.1523, 1.0526, -0.2049, 0.1145, 0.7863, 0.0992, -0.0039, -0.0481, 1.052],
  deuteranopia: [0.3673, 0.8606, -0.228, 0.2801, 0.6725, 0.0474, -0.0118, 0.0429, 0.9689],
  tritanopia: [1.2555, -0.0767, -0.1788, -0.0784, 0.9308, 0.1476, 0.0047, 0.6914, 0.3039],
};

/** Red, green and blue by the amount of light. */
function linear(scheme: string, name: string): number[] {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(scheme)?.[1] ?? '';
  return [0, 2, 4].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

const dot = (weights: readonly number[], color: readonly number[]): number =>
  color.reduce((sum, value, i) => sum + value * (weights[i] ?? NaN), 0);

/** As WCAG 2 has it, from 1 to 21. */
function contrast(scheme: string, name: string): number {
  const luminance = (of: string): number => dot([0.2126, 0.7152, 0.0722], linear(scheme, of));
  const [a, b] = [luminance(name), luminance('page')].map((value) => value + 0.05) as [
    number,
    number,
  ];
  return Math.max(a / b, b / a);
}

/** CIE L*, a* and b*. */
function lab(color: readonly number[]): number[] {
  const f = (t: number): number =>
    t > 216 / 24_389 ? Math.cbrt(t) : ((24_389 / 27) * t + 16) / 116;
  const x = f(dot([0.4124, 0.3576, 0.1805], color) / 0.9505);
  const y = f(dot([0.2126, 0.7152, 0.0722], color));
  const z = f(dot([0.0193, 0.1192, 0.9505], color) / 1.0888);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test('text and lines stand out from the page', (t) => {
  for (const scheme of [light, dark]) {
    for (const text of ['ink', 'muted', 'good', 'bad']) {
      t.true(contrast(scheme, text) >= 4.5, `${text} ${contrast(scheme, text)}`);
    }
    for (const line of [...SERIES, 'share', 'truth', 'target', 'published']) {
      t.true(contrast(scheme, line) >= 3, `${line} ${contrast(scheme, line)}`);
    }
  }
});

test('the colours of series are told apart by everybody', (t) => {
  for (const scheme of [light, dark]) {
    for (const [sight, matrix] of Object.entries(SIGHTS)) {
      const seen = SERIES.map((name) => {
        const color = linear(scheme, name);
        return lab([0, 3, 6].map((row) => Math.max(0, dot(matrix.slice(row, row + 3), color))));
      });
      seen.forEach((one, i) => {
        for (const other of seen.slice(i + 1)) {
          const distance = Math.hypot(...one.map((value, axis) => value - (other[axis] ?? NaN)));
          t.true(distance >= 15, `${sight}, series ${i + 1}: ${distance}`);
        }
      });
    }
  }
});

test('a dark page is printed as a light one', (t) => {
  const asked = [...(STYLE + SCRIPT).matchAll(/(.{11})\(prefers-color-scheme: dark\)/g)];
  t.deepEqual(
    asked.map(([, before]) => before),
    ['screen and ', 'screen and '],
  );
});
