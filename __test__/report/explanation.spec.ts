import test from 'ava';

import {
  DamonError,
  Kdamond,
  type Round,
  type SchemeOptions,
  StretchSeries,
  type Tuning,
} from '../../src/index.ts';
import {
  OUTCOMES,
  RecordLog,
  mainObstacle,
  meanScoreBp,
  walked,
} from '../../src/report/explanation.ts';
import { explanationBlock } from '../../src/report/page/explanation.ts';
import type { ExplanationData, PageData } from '../../src/report/page/data.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderExplanation } from '../../src/report/terminal.ts';
import { runConfig } from '../../src/job/run.ts';
import { MIB, SMALL, smallWith } from '../support/small.ts';

const NONE = { regions: 0, bytes: 0 };

function roundOf(timeNs: bigint, more: Partial<Round> = {}): Round {
  return {
    timeNs,
    tick: Number(timeNs),
    scheme: 0,
    opened: false,
    effectiveSzBytes: 100,
    chargedBefore: 0,
    chargedAfter: 0,
    scoreMin: 0,
    elapsedNs: 1,
    tried: NONE,
    applied: NONE,
    opsPassedBytes: 0,
    noMatch: { regions: 1, bytes: 10 },
    lowScore: NONE,
    filtered: NONE,
    quotaFull: NONE,
    servedBefore: NONE,
    snapshotsDone: NONE,
    ...more,
  };
}

function tuningOf(timeNs: bigint, scoreBp: number, failure?: DamonError): Tuning {
  const [tuner, goals] = ['consist', []];
  const quota = { goalBytes: 1n, effectiveBytes: 1 };
  return { timeNs, scheme: 0, tuner, goals, scoreBp, ...quota, ...(failure && { failure }) };
}

/** Every outcome there is, over its schemes: each limits, filters or ends in another way. */
const SCHEMES: readonly SchemeOptions[] = [
  { name: 'ended', action: 'stat', maxNrSnapshots: 5 },
  {
    name: 'matching',
    action: 'stat',
    pattern: { nrAccesses: { min: 1 } },
    quota: { szBytes: '2 MiB', resetIntervalMs: 300 },
  },
  {
    name: 'weighed',
    action: 'migrate_hot',
    targetNid: 0,
    quota: { szBytes: '2 MiB', resetIntervalMs: 300, weights: { nrAccessesPermil: 1000 } },
  },
  {
    name: 'filtered',
    action: 'stat',
    filters: [{ type: 'addr', range: { start: 0, end: '128 MiB' } }],
  },
];

test('every region a scheme comes to has one outcome, and their bytes are all bytes', async (t) => {
  const occurred = new Set<string>();
  // What is accessed lies above what is not: the least comes first.
  const source = smallWith({ interleave: [0, 1] });
  // Alone, so that no scheme after it cuts a region that it has seen, and comes to it again.
  for (const scheme of SCHEMES) {
    using kdamond = new Kdamond({ source, schemes: [scheme], everyMs: 100 });
    await kdamond.run({ untilMs: 3_000 });
    const { rounds } = kdamond.explain();
    t.is(rounds.length, 30);
    for (const round of rounds) {
      t.is(walked(round).bytes, 256 * MIB, `${scheme.name} at ${round.timeNs}`);
      t.true(round.applied.bytes <= round.tried.bytes);
      OUTCOMES.filter(({ key }) => round[key].regions > 0).forEach(({ key }) => occurred.add(key));
    }
  }
  t.deepEqual([...occurred].toSorted(), OUTCOMES.map(({ key }) => key).toSorted());
});

test('what the rounds of a scheme tell adds up to its counters', async (t) => {
  using kdamond = new Kdamond({ source: smallWith({ interleave: [0, 1] }), schemes: SCHEMES });
  await kdamond.run({ untilMs: 3_000 });
  const { rounds } = kdamond.explain();
  Object.values(kdamond.books.counters.schemes).forEach((counters, index) => {
    const sum = (of: (round: Round) => number): number =>
      rounds.filter(({ scheme }) => scheme === index).reduce((total, one) => total + of(one), 0);
    t.true(counters.szTried > 0);
    t.like(counters, {
      nrTried: sum(({ tried }) => tried.regions),
      szTried: sum(({ tried }) => tried.bytes),
      nrApplied: sum(({ applied }) => applied.regions),
      szApplied: sum(({ applied }) => applied.bytes),
      szOpsFilterPassed: sum(({ opsPassedBytes }) => opsPassedBytes),
    });
  });
});

test('with several schemes, the last one still comes to each byte once', async (t) => {
  using kdamond = new Kdamond({ source: SMALL, schemes: SCHEMES, everyMs: 100 });
  await kdamond.run({ untilMs: 3_000 });
  const { rounds } = kdamond.explain({ scheme: 'filtered' });
  t.is(rounds.length, 30);
  for (const round of rounds) t.is(walked(round).bytes, 256 * MIB);
  for (const round of kdamond.explain().rounds) t.true(walked(round).bytes >= 256 * MIB);
});

test('records are asked for by scheme and time, and nothing is taken away', async (t) => {
  using kdamond = new Kdamond({ source: SMALL, schemes: SCHEMES, everyMs: 100 });
  await kdamond.run({ untilMs: 2_000 });
  const { rounds } = kdamond.explain({ scheme: 1, fromMs: '500 ms', toMs: '1 s' });
  t.deepEqual(
    rounds.map(({ timeNs }) => Number(timeNs) / 1e6),
    [500, 600, 700, 800, 900],
  );
  t.deepEqual(kdamond.explain({ scheme: 'matching', fromMs: 500, toMs: 1_000 }).rounds, rounds);
  t.is(kdamond.explain().rounds.length, 80);
  t.is(kdamond.takeRounds().length, 80);
  t.is(kdamond.takeRounds().length, 0);
  t.is(kdamond.explain().rounds.length, 80);
  await kdamond.run({ untilMs: 3_000 });
  t.is(kdamond.explain().rounds.length, 120);
  t.is(kdamond.takeRounds().length, 40);
  t.is(kdamond.roundsDropped, 0);

  const error = t.throws(() => kdamond.explain({ scheme: 'match' }), { instanceOf: DamonError });
  t.like(error, { code: 'ERR_DAMON_CONFIG_SCHEME', hint: 'did you mean `matching`?' });
  t.throws(() => kdamond.explain({ scheme: 4 }), { code: 'ERR_DAMON_CONFIG_SCHEME' });
  t.throws(() => kdamond.explain({ fromMs: -1 }), { code: 'ERR_DAMON_CONFIG_UNIT' });
});

test('the log keeps the newest, and counts what had to make room', async (t) => {
  const log = new RecordLog<number>(3);
  const all: number[] = [];
  for (let i = 0; i < 20; i++) {
    const batch = Array.from({ length: i % 5 }, (_, j) => all.length + j);
    log.add(batch);
    all.push(...batch);
    t.deepEqual(log.items, all.slice(-3));
    t.is(log.total, all.length);
    t.is(log.dropped + log.items.length, all.length);
  }
  // 10000 rounds of 5 ms: more than a monitor keeps, looked at now and then.
  using kdamond = new Kdamond({
    source: SMALL,
    attrs: { sampleUs: '5 ms', aggregationUs: '5 ms' },
    schemes: [{ action: 'stat' }],
  });
  await kdamond.run({ untilMs: '25 s' });
  t.is(kdamond.explain().dropped.rounds, 0);
  await kdamond.run({ untilMs: '50 s' });
  const { rounds, dropped } = kdamond.explain();
  t.is(rounds.length, 8192);
  t.is(rounds.length + dropped.rounds, 10_000);
  t.is(kdamond.takeRounds().length + kdamond.roundsDropped, 10_000);
});

test('a stretch is a quota window, with the step that opened it and all its rounds', (t) => {
  const series = new StretchSeries();
  const failure = new DamonError('no idea', { code: 'ERR_DAMON_TUNER' });
  series.addTuning(tuningOf(1n, 4_000));
  series.addTuning(tuningOf(3n, 0, failure));
  series.addRound(roundOf(1n, { opened: true, tried: { regions: 2, bytes: 20 } }));
  series.addRound(roundOf(2n, { quotaFull: { regions: 3, bytes: 30 } }));
  series.addRound(roundOf(3n, { opened: true }));
  const [first, second, ...more] = series.of(0);
  t.deepEqual(more, []);
  t.like(first, {
    fromNs: 1n,
    toNs: 2n,
    windows: 1,
    rounds: 2,
    allowedBytes: 100,
    tunings: 1,
    failures: 0,
    elapsedNs: 2,
    tried: { regions: 2, bytes: 20 },
    quotaFull: { regions: 3, bytes: 30 },
    noMatch: { regions: 2, bytes: 20 },
  });
  t.like(second, { windows: 1, failures: 1, failure });
  t.is(first && meanScoreBp(first), 4_000);
  t.is(second && meanScoreBp(second), undefined);
  t.deepEqual(first && mainObstacle(first), { title: 'quota full', bytes: 30 });
  t.is(second && mainObstacle(second), undefined);
  t.like(series.total(0), { windows: 2, rounds: 3, allowedBytes: 200, failures: 1, failure });
  t.is(series.total(1), undefined);
});

test('a stretch that was given does not change any more, nor does a round that was taken', (t) => {
  const series = new StretchSeries();
  const round = roundOf(1n, { opened: true, tried: { regions: 2, bytes: 20 } });
  series.addRound(round);
  const [given] = series.of(0);
  const total = series.total(0);
  series.addRound(
    roundOf(2n, { tried: { regions: 1, bytes: 10 }, applied: { regions: 1, bytes: 9 } }),
  );
  t.like(series.total(0), { rounds: 2, tried: { regions: 3, bytes: 30 } });
  t.like(given, { rounds: 1, tried: { regions: 2, bytes: 20 }, applied: NONE });
  t.deepEqual(total, given);
  t.deepEqual(round.tried, { regions: 2, bytes: 20 });
});

test('however long a run, its stretches are few and hold all of it', (t) => {
  for (const isLimited of [true, false]) {
    const series = new StretchSeries();
    for (let i = 0n; i < 10_000n; i++) series.addRound(roundOf(i, { opened: isLimited }));
    const stretches = series.of(0);
    t.true(stretches.length > 256 && stretches.length <= 1024, `${stretches.length}`);
    t.is(
      stretches.reduce((sum, { rounds }) => sum + rounds, 0),
      10_000,
    );
    t.like(series.total(0), { fromNs: 0n, toNs: 9_999n, windows: 10_000 });
    t.is(series.total(0)?.allowedBytes, isLimited ? 1_000_000 : undefined);
    t.is(series.of(0, 16).length <= 16, true);
    // One after the other, without a gap.
    stretches.slice(1).forEach(({ fromNs }, i) => t.is(fromNs, (stretches[i]?.toNs ?? 0n) + 1n));
  }
});

test('the views tell outcomes, windows and failures, and what is not told', async (t) => {
  const step = (): number => {
    throw new Error('no <idea>');
  };
  const goals = [{ metric: 'user_input', targetValue: 4, currentValue: 1 }] as const;
  const quota = { szBytes: '1 MiB', resetIntervalMs: 100, goals } as const;
  const record = await runConfig({
    source: SMALL,
    untilMs: '2 s',
    schemes: [
      { name: 'fails', action: 'stat', quota: { ...quota, tuner: { name: 'mine', step } } },
      { name: 'works', action: 'stat', quota: { ...quota, tuner: 'temporal' } },
      { name: 'free', action: 'stat' },
    ],
  });
  const { explanation, schemes: names, startNs } = record;
  const text = renderExplanation(explanation, { names, startNs, roundsDropped: 7 });
  t.regex(text, /Why: fails\n/);
  t.regex(text, /No answer 20 times, the quota stayed as it was:[^]*no <idea>/);
  t.regex(text, /Why: works\n/);
  t.regex(text, /^quota full +[\d,]+ +[\d.]+ GiB +\d/m);
  t.regex(text, /^all +[\d,]+ +5(\.\d+)? GiB +100.0 %$/m);
  t.regex(text, /25.0 %/);
  t.regex(text, /7 rounds had to make room/);
  for (const line of text.split('\n')) t.true(line === line.trimEnd() && line.length <= 100, line);

  const data: PageData = {};
  const html =
    explanationBlock('why0', record, 0, data).text + explanationBlock('why1', record, 1, data).text;
  t.regex(html, /Why fails did what it did/);
  t.regex(html, /20 steps without an answer/);
  t.false(html.includes('<idea>'));
  const free = explanationBlock('why2', record, 2, data).text;
  for (const [block, isLimited] of [
    [html, true],
    [free, false],
  ] as const) {
    t.is(/> allowed</.test(block), isLimited, 'a key only for what is drawn');
    t.is(/>Windows</.test(block), isLimited);
    t.is(/Measured: /.test(block), isLimited);
  }
  t.deepEqual(
    (['why1', 'why2'] as const).map((why) =>
      (data[why] as ExplanationData).lines.map(({ look }) => look),
    ),
    [
      ['dashed', 'line', 'area'],
      ['line', 'area'],
    ],
  );
  const { at, outcomes } = data['why1'] as ExplanationData;
  at.forEach((_, i) => {
    const sum = outcomes.reduce((total, { percent }) => total + (percent[i] ?? 0), 0);
    t.true(Math.abs(sum - 100) < 0.01, `${sum}`);
  });
  const page = renderHtml({ title: 'A run', generatedBy: 'a test', run: record });
  t.notRegex(page, /Changes on the way/);
  const events = [{ kind: 'missed', atMs: 90_000 }] as const;
  const changed = renderHtml({ title: 'A', generatedBy: 'a test', run: { ...record, events } });
  t.regex(changed, /Changes on the way[^]*<li>1 min 30 s: a change was planned/);
  const json = /<script type="application\/json" id="data">([^]*?)<\/script>/.exec(page)?.[1] ?? '';
  const series = Array.from(page.matchAll(/data-series="([^"]*)"/g), ([, name]) => name);
  t.deepEqual(new Set(series), new Set(Object.keys(JSON.parse(json) as object)));
  t.true(series.includes('runWhy0') && series.includes('runWhy1'));

  t.is(renderExplanation(new StretchSeries(), { names: [], startNs }), 'Why\nThere was no scheme.');
});

test('a scheme without a round is told of, and of what it may be for', async (t) => {
  const marks = { intervalUs: '10 ms', highPermil: 100, midPermil: 50, lowPermil: 0 } as const;
  const record = await runConfig({
    source: SMALL,
    untilMs: '1 s',
    schemes: [
      { name: 'asleep', action: 'stat', watermarks: { metric: 'free_mem_rate', ...marks } },
      { name: 'awake', action: 'stat' },
    ],
  });
  const { explanation, schemes: names, startNs } = record;
  const text = renderExplanation(explanation, { names, startNs });
  t.regex(text, /^Why: asleep\nIt had no round: .*watermarks.*\n\nWhy: awake\nregions/);
  t.regex(
    renderHtml({ title: 'A run', generatedBy: 'a test', run: record }),
    /Why asleep did nothing[^]*It had no round: .*watermarks[^]*Why awake did what it did/,
  );
});

test('where stretches take much room, a narrow terminal is told less of them', (t) => {
  const series = new StretchSeries();
  const share = { regions: 1, bytes: 512 * MIB };
  for (const second of [60n, 120n]) {
    const timeNs = second * 1_000_000_000n;
    const goals = [
      { goal: { metric: 'node_mem_used_bp', nid: 0, targetValue: 7000 }, currentValue: 6999 },
    ] as unknown as Tuning['goals'];
    series.addTuning({ ...tuningOf(timeNs, 10_000), goals });
    series.addRound(
      roundOf(timeNs, {
        opened: true,
        effectiveSzBytes: 512 * MIB,
        tried: share,
        applied: share,
        servedBefore: { regions: 1, bytes: 4.75 * 2 ** 40 },
      }),
    );
  }
  const heads = [80, 120].map((width) => {
    const lines = renderExplanation(series, { names: ['PULL'], startNs: 0n, width }).split('\n');
    for (const line of lines) t.true(line.length <= width, line);
    return lines
      .find((line) => line.includes('then waited'))
      ?.trim()
      .split(/ {2,}/);
  });
  const narrow = ['from', 'measured', 'score', 'allowed', 'tried', 'applied', 'then waited'];
  t.deepEqual(heads, [narrow, ['from', 'windows', ...narrow.slice(1)]]);
});
