import test from 'ava';

import { renderHtml } from '../../src/report/html.ts';
import {
  type PlacementRecord,
  type PlacementRun,
  comparePlacement,
  summarizePlacement,
} from '../../src/report/placement.ts';
import { renderPlacement } from '../../src/report/terminal-placement.ts';

/** A run whose hot share is as given, judged from second 1 on, at so many ops per second. */
function placementRun(seed: number, hot: readonly number[], opsHz: number): PlacementRun {
  const until = (percent: number): number | null => {
    const second = hot.slice(1).findIndex((share) => share >= percent);
    return second < 0 ? null : second;
  };
  const series = (value: number): Float64Array => new Float64Array(hot.length).fill(value);
  return {
    seed,
    fromSecond: 1,
    hotPercent: Float64Array.from(hot),
    halfSeconds: until(50),
    rampSeconds: until(90),
    freePercent: series(10),
    opsHz: series(opsHz),
    movedBytes: series(2 ** 20),
    overheadNs: series(5e6),
    unbalanced: [],
  };
}

const RECORD: PlacementRecord = {
  title: 'A <study>',
  machine: ['two nodes at 10 GB/s'],
  baselines: { 'a group': 'best', another: 'best' },
  cases: [
    {
      name: 'slow',
      group: 'a group',
      runs: [
        placementRun(1, [100, 0, 60, 90, 94], 50),
        { ...placementRun(2, [100, 0, 40, 60, 60], 80), foundPercent: 75 },
      ],
    },
    { name: 'not done', group: 'a group', runs: [] },
    {
      name: 'best',
      group: 'another',
      runs: [placementRun(1, [100, 100, 100], 100), placementRun(2, [100, 100, 100], 200)],
    },
  ],
  seeds: [1, 2],
  runsDone: 4,
  runsPlanned: 6,
  simulatedSeconds: 16,
  wallSeconds: 2,
  workers: 2,
};

test('a case is compared with the base seed by seed, and judged from where the hot set moves', (t) => {
  const [slow, none, best] = summarizePlacement(RECORD);
  // 50 of 100 and 80 of 200.
  t.is(slow?.opsPercent?.mean, 45);
  t.is(best?.opsPercent?.mean, 100);
  // After 1 and after 2 seconds; 90 % only once, after 2.
  t.is(slow?.halfSeconds?.mean, 1.5);
  t.deepEqual([slow?.rampSeconds?.mean, slow?.rampSeconds?.count, slow?.notReached], [2, 1, 1]);
  // Later halves: 90 and 94, 60 and 60.
  t.is(slow?.hotPercent?.mean, 76);
  // Of 90 and 94, of the run that got there.
  t.is(slow?.hotStddev?.mean, Math.sqrt(8));
  t.is(slow?.movedBytesPerSecond?.mean, 2 ** 20);
  t.is(slow?.foundPercent?.mean, 75);
  t.like(none, { runs: 0, opsHz: undefined, opsPercent: undefined, notReached: 0 });
});

test('a case is compared with the reference of its group, seed by seed', (t) => {
  const rival = {
    name: 'rival',
    group: 'a group',
    runs: [
      placementRun(1, [100, 0, 95, 95, 95], 60),
      placementRun(2, [100, 95, 95, 95, 95], 100),
      placementRun(3, [100, 95, 95, 95, 95], 100),
    ],
  };
  const record = { ...RECORD, reference: 'slow', cases: [...RECORD.cases, rival] };
  t.deepEqual(comparePlacement(RECORD), []);
  const [comparison, ...others] = comparePlacement(record);
  t.deepEqual(others, [], 'neither what has not run nor another group');
  t.like(comparison, {
    name: 'rival',
    reference: 'slow',
    runs: 2,
    reached: 2,
    referenceReached: 1,
  });
  // A second sooner in the only seed in which both got there; 60 of 50 and 100 of 80.
  t.like(comparison?.rampSeconds, { mean: -1, count: 1 });
  t.is(comparison?.opsPercent?.mean, 22.5);
  const page = renderHtml({ title: 'Placement', generatedBy: 'a test', placement: record });
  t.regex(page, /<h3 id="placement-comparison">Against slow<\/h3>/);
  const cells =
    /colspan="99">a group<\/th>\s*<\/tr>\s*<tr>\s*<th scope="row">rival<\/th>([^]*?)<td class="meter">/.exec(
      page.slice(page.indexOf('placement-comparison')),
    )?.[1];
  t.deepEqual(
    [...(cells ?? '').matchAll(/<td class="n">(.*?)<\/td>/g)].map(([, text]) => text),
    ['−1.0', '−2.83', '2 of 2', '1 of 2', '+22.5 ±31.8'],
  );
  t.notRegex(
    renderHtml({ title: 'Placement', generatedBy: 'a test', placement: RECORD }),
    /placement-comparison/,
    'nothing to compare with',
  );
  t.regex(
    renderPlacement(record, { width: 200 }),
    /rival against slow, a group: ramp −1.0 s, .*throughput \+22.5 ±\d+.\d %, a ramp in 2 of 2 runs against 1\./,
  );
});

test('the table has a heading for each group, and fits the terminal', (t) => {
  for (const width of [80, 100, 120]) {
    const text = renderPlacement(RECORD, { width });
    t.regex(text, /\na group \(base: best\)\n {2}slow .*\n.*not.*\nanother \(base: best\)\n/);
    t.is(/^ +ops\/s /m.test(text), width >= 100);
    t.regex(text, /slow: 75\.0 % on the fast node\.\nslow, a group: a ramp in 1 of 2 runs\./);
    for (const line of text.split('\n')) t.true(line.length <= width, line);
  }
});

test('where values are long, a narrow terminal is told fewer of them', (t) => {
  const long = (seed: number, opsHz: number): PlacementRun => ({
    ...placementRun(seed, [100, 0, 60, 90, 94], opsHz),
    freePercent: new Float64Array(5).fill(12.5),
    overheadNs: new Float64Array(5).fill(282e6),
    movedBytes: new Float64Array(5).fill(333 * 2 ** 20),
    halfSeconds: 5.45,
    rampSeconds: 6.35,
  });
  const runs = [long(1, 12.3e9), long(2, 17.1e9)];
  const name = 'static interleave 1:3, and so on';
  const cases = [{ name, group: 'a group', runs }];
  const machine = ['x'.repeat(39), 'y'.repeat(39), 'z'.repeat(80)];
  const record = { ...RECORD, machine, cases, baselines: { 'a group': name } };
  const columns = [80, 90, 100, 120].map((width) => {
    const lines = renderPlacement(record, { width }).split('\n');
    for (const line of lines) t.true(line.length <= width, line);
    t.true(lines.includes('z'.repeat(80)), 'the last of the phrases ends in none');
    t.is(/Without room for/.test(lines.slice(-2).join(' ')), width < 120);
    return lines.find((line) => line.includes('of base '))?.trim();
  });
  t.deepEqual(columns, [
    'of base     lag    ramp     hot  moved/s     CPU',
    'of base     lag    ramp     hot  stddev  moved/s     CPU',
    'of base     lag    ramp     hot  stddev    free  moved/s     CPU',
    'ops/s       of base     lag    ramp     hot  stddev    free  moved/s     CPU',
  ]);
});

test('the page draws each group, with text made harmless', (t) => {
  const page = renderHtml({ title: 'Placement', generatedBy: 'a test', placement: RECORD });
  t.regex(page, /A &#60;study/);
  t.regex(page, /Hot memory on the fast node: a group/);
  t.regex(page, /Hot memory on the fast node: another/);
  t.is(page.match(/data-series="placement/g)?.length, 2);
  t.is(page.match(/<tr class="other">/g)?.length, 1);
  t.notRegex(page, /> target</, 'nobody has one');
  t.regex(page, /10\u00a0GB\/s/, 'a unit stays with its number');
  const data = JSON.parse(/id="data">([^]*?)<\/script>/.exec(page)?.[1] ?? '') as {
    'placement0-0': { seconds: number; lines: { from: number; mean: number[] }[] };
  };
  const { seconds, lines } = data['placement0-0'];
  t.deepEqual(
    lines.map(({ from, mean }) => [from, from + mean.length - 1]),
    [[1, seconds]],
    'what is read late in a second is drawn at its end',
  );
});
