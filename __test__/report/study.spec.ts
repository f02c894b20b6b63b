import test from 'ava';

import { convergence } from '../../src/report/convergence.ts';
import { renderHtml } from '../../src/report/html.ts';
import { type LoopRun, type StudyRecord, shareBand, summarize } from '../../src/report/study.ts';
import { renderStudy } from '../../src/report/terminal-study.ts';

const TARGET = 70;

/** A run whose share is as given, and which moves so much in each second. */
function loopRun(
  seed: number,
  share: readonly number[],
  movedBytes: number,
  trueShare: readonly number[] = share,
): LoopRun {
  const [series, trueSeries] = [Float64Array.from(share), Float64Array.from(trueShare)];
  const node = convergence({ target: TARGET, samples: series });
  const mirrored = (values: Float64Array): Float64Array => values.map((percent) => 100 - percent);
  const onBoth = (values: Float64Array): LoopRun['nodes'] => [
    convergence({ target: TARGET, samples: values }),
    convergence({ target: 100 - TARGET, samples: mirrored(values) }),
  ];
  const { rampSeconds } = node;
  const settledSeconds = rampSeconds === null ? 0 : share.length - rampSeconds;
  return {
    seed,
    fromSecond: 0,
    shares: [series, mirrored(series)],
    trueShares: [trueSeries, mirrored(trueSeries)],
    movedBytes: new Float64Array(share.length).fill(movedBytes),
    nodes: onBoth(series),
    trueNodes: onBoth(trueSeries),
    rampSeconds,
    leastRampSeconds: 1,
    movedAfterRamp: rampSeconds === null ? null : movedBytes * settledSeconds,
    settledSeconds,
    unbalanced: [],
  };
}

const MIB = 2 ** 20;
const PUBLISHED = { target: TARGET, mean: 69.73, stddev: 0.7 };
const RECORD: StudyRecord = {
  title: 'A study',
  machine: ['two nodes', 'a hot set'],
  cases: [
    {
      name: 'up & down',
      controller: 'temporal',
      nodeNames: ['DRAM', 'CXL'],
      published: PUBLISHED,
      runs: [
        loopRun(1, [50, 71, 69], 100 * MIB),
        loopRun(2, [50, 72, 70], 300 * MIB, [50, 71.5, 70]),
      ],
    },
    {
      name: 'up & down',
      controller: 'proportional',
      nodeNames: ['DRAM', 'CXL'],
      published: PUBLISHED,
      runs: [loopRun(1, [50, 70, 70], MIB), loopRun(2, [50, 70, 70], 3 * MIB)],
    },
    {
      name: 'never',
      controller: 'consist',
      nodeNames: ['DRAM', 'CXL'],
      runs: [loopRun(1, [50, 51], 0)],
    },
    { name: 'not yet', controller: 'temporal', nodeNames: ['DRAM', 'CXL'], runs: [] },
  ],
  seeds: [1, 2],
  runsDone: 5,
  runsPlanned: 8,
  simulatedSeconds: 14,
  wallSeconds: 2,
  workers: 1,
};

test('a summary is the mean over the seeds, of two nodes only the first', (t) => {
  const [temporal] = summarize(RECORD.cases);
  const [node, ...others] = temporal?.nodes ?? [];
  t.deepEqual(others, []);
  t.is(node?.name, 'DRAM');
  t.is(node?.mean.mean, (70 + 71) / 2);
  t.is(node?.offset.mean, 0.5);
  t.is(node?.stddev?.mean, Math.SQRT2);
  t.deepEqual([node?.overshoot.mean, node?.overshootMax], [1.5, 2]);
  t.is(node?.trueOvershootMax, 1.5, 'what the metric adds is not in it');
  t.is(temporal?.movedPerSecond?.mean, 200 * MIB);
  t.is(temporal?.versus, undefined);
});

test('cases of one name are compared with the first, seed by seed', (t) => {
  const [, proportional] = summarize(RECORD.cases);
  t.is(proportional?.versus?.controller, 'temporal');
  // A hundredth in each pair, so no doubt about it.
  t.like(proportional?.versus?.movedRatio, { count: 2, mean: 0.01, halfWidth: 0 });
  t.is(proportional?.versus?.stddevLess?.mean, -Math.SQRT2);
});

test('a run that never reached its target is counted, and counts in nothing else', (t) => {
  const [, , never, notYet] = summarize(RECORD.cases);
  t.like(never, { runs: 1, notReached: 1, nodes: [], rampSeconds: undefined });
  t.like(notYet, { runs: 0, notReached: 0, nodes: [] });
});

test('a band is the mean of all runs in a second, with its interval', (t) => {
  const [temporal, , never] = RECORD.cases;
  if (temporal === undefined || never === undefined) return t.fail();
  const { mean, low, high } = shareBand(temporal, 0);
  t.deepEqual([...mean], [50, 71.5, 69.5]);
  t.deepEqual([low[0], high[0]], [50, 50]);
  // stddev of 71 and 72, times t(0.975, 1) = 12.706, divided by the root of 2
  t.is(((high[1] ?? 0) - 71.5).toFixed(3), '6.353');
  t.is(((low[1] ?? 0) - 71.5).toFixed(3), '-6.353');
  const one = shareBand(never, 1);
  t.deepEqual(
    [[...one.low], [...one.high]],
    [
      [50, 49],
      [50, 49],
    ],
  );
  return undefined;
});

test('the table says what was held, by whom, how well, and what was not', (t) => {
  const text = renderStudy(RECORD);
  for (const part of [
    /^A study\nseeds 1 to 2, 5 of 8 runs: 14 s simulated in 2 s on 1 thread/,
    /\nup & down\n {2}temporal +70\.50 ±6\.35 +\+0\.50 +1\.41 +1\/1 s +2\.00\/1\.50 +200 MiB\n/,
    /\n {2}proportional +70\.00 ±0\.00 +0\.00 +0\.00 +1\/1 s +0\.00\/0\.00 +2 MiB\n/,
    /\n {2}published +69\.73 +−0\.27 +0\.70 /,
    /\n {2}proportional against temporal: moves 1 ±0\.00 % of the bytes, stddev −1\.41\n {4}±0\.00 points\n/,
    /\nnever\n {2}consist: 1 of 1 not reached\n/,
    /\nnot yet\n {2}temporal: not run\n/,
  ]) {
    t.regex(text, part);
  }
  for (const width of [80, 100, 200]) {
    for (const line of renderStudy(RECORD, { width }).split('\n')) {
      t.assert(line.length <= width, line);
      t.is(line, line.trimEnd());
    }
  }
});

test('the page has a row for each case and a plot with a band for each name', (t) => {
  const page = renderHtml({ title: 'A study', generatedBy: 'a test', study: RECORD });
  t.regex(page, /up &#38; down/);
  t.regex(page, /<td colspan="8">not reached<\/td>/);
  t.regex(page, /<td colspan="8">not run<\/td>/);
  t.is(page.match(/data-kind="bands"/g)?.length, 2, 'a name without runs has no plot');
  t.is(page.match(/> target</g)?.length, 2, 'a key of each plot');
  t.is(page.match(/class="interval"/g)?.length, 3, 'two cases and the published result');
  t.is(page.match(/<th scope="rowgroup" rowspan="3">up &#38; down</g)?.length, 1);
  t.notRegex(page, /not reached in/);
  const data = JSON.parse(/id="data">([^]*?)<\/script>/.exec(page)?.[1] ?? '') as {
    study0: { targets: object[]; lines: { name: string; from: number; mean: number[] }[] };
  };
  t.deepEqual(
    data.study0.lines.map(({ name, from, mean }) => [name, from, mean]),
    [
      ['temporal', 0, [50, 71.5, 69.5]],
      ['proportional', 0, [50, 70, 70]],
    ],
  );
  t.deepEqual(data.study0.targets, [{ from: 0, percent: TARGET }], 'both have the same');
});

test('the page of a study says its title once, explains no more than it shows, and tells many nodes apart', (t) => {
  const page = renderHtml({ title: 'A study', generatedBy: 'a test', study: RECORD });
  t.is(page.match(/A study</g)?.length, 2, 'the title of the document and its heading');
  t.notRegex(page, /<dt>(hit|age)/);
  t.regex(page, /<dt>offset, stddev</);
  const [first] = RECORD.cases;
  const [run] = first?.runs ?? [];
  t.truthy(run);
  if (!first || !run) return;
  const five = <Value>(values: readonly Value[]): Value[] =>
    Array.from({ length: 5 }, () => values.slice(0, 1)).flat();
  const wide = {
    ...first,
    nodeNames: ['a', 'b', 'c', 'd', 'e'],
    runs: [
      {
        ...run,
        shares: five(run.shares),
        trueShares: five(run.trueShares),
        nodes: five(run.nodes),
        trueNodes: five(run.trueNodes),
      },
    ],
  };
  const study = { ...RECORD, cases: [wide] };
  const other = renderHtml({ title: 'Another', generatedBy: 'a test', study });
  t.regex(other, /<h2 id="study">A study</);
  t.notRegex(other, /band: 95 % interval/, 'one seed has none');
  const keys = [...other.matchAll(/class="(series-\d)"[^]*?stroke-dasharray="([^"]*)"/g)];
  t.deepEqual(
    keys.map(([, color, dashes]) => [color, dashes]),
    [
      ['series-1', 'none'],
      ['series-2', 'none'],
      ['series-3', 'none'],
      ['series-4', 'none'],
      ['series-1', '6 3'],
    ],
  );
  t.is(other.match(/rowspan="5"/g)?.length, 3, 'who holds it, its ramp, what it moves');
});

test('nothing that is drawn of an offset goes past the scale that is told', (t) => {
  const [first] = RECORD.cases;
  t.truthy(first);
  if (!first) return;
  const published = { target: TARGET, mean: TARGET + 2, stddev: 1.5 };
  const study = { ...RECORD, cases: [{ ...first, published, runs: first.runs.slice(0, 1) }] };
  const page = renderHtml({ title: 'A study', generatedBy: 'a test', study });
  t.regex(page, /from −3\.5 to\s+\+3\.5;/);
});

test('the page tells of runs that count in nothing', (t) => {
  const [first] = RECORD.cases;
  t.truthy(first);
  if (!first) return;
  const runs = [...first.runs, loopRun(3, [50, 51, 52], 0)];
  const study = { ...RECORD, cases: [{ ...first, runs }] };
  const page = renderHtml({ title: 'A study', generatedBy: 'a test', study });
  t.regex(page, /up &#38; down, temporal: the target was not reached in 1 of 3 runs/);
});
