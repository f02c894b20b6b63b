import { stripVTControlCharacters as plain } from 'node:util';
import test from 'ava';

import { convergenceRows } from '../../src/report/convergence.ts';
import { Heatmap } from '../../src/report/heatmap.ts';
import { hotRanges, workingSet } from '../../src/report/hot-ranges.ts';
import type { Books } from '../../src/report/record.ts';
import {
  renderBooks,
  renderConvergence,
  renderHeatmap,
  renderHotRanges,
  renderWorkingSet,
  type ColorLevel,
} from '../../src/report/terminal.ts';
import { BOOKS, GIB, NODES, sampleDemo, sampleReplay, SECOND, snapshotOf } from './sample.ts';

const WIDTHS = [80, 97, 120, 200];
const LEVELS: readonly ColorLevel[] = [0, 1, 2, 3];

/** Two nodes of 8 GiB; the heat moves from the upper to the lower in the middle of 90 s. */
function smallHeatmap(): Heatmap {
  const heatmap = new Heatmap();
  for (let second = 1n; second <= 90n; second++) {
    const moved = second > 45n;
    const regions: [bigint, bigint, number][] = [
      [0n, 2n * GIB, moved ? 4096 : 2],
      [2n * GIB, 8n * GIB, 64],
      [64n * GIB, 70n * GIB, 0],
      [70n * GIB, 72n * GIB, moved ? 0 : 1024],
    ];
    heatmap.add(snapshotOf(regions, { timeNs: second * SECOND }));
  }
  return heatmap;
}

const SMALL_NODES = [
  { id: 0, name: 'DRAM', start: 0n, end: 8n * GIB },
  { id: 1, name: 'CXL', start: 64n * GIB, end: 72n * GIB },
];

test('a heatmap without colour is drawn in glyphs', (t) => {
  const text = renderHeatmap(smallHeatmap(), { lines: 8, nodes: SMALL_NODES });
  t.deepEqual(text.split('\n'), [
    'Accesses by address and time',
    'node 0 DRAM           0x0 │::::::::::::::::::::::::::@@@@@@@@@@@@@@@@@@@@@@@@@@@',
    '                          │=====================================================',
    '                          │=====================================================',
    '                          │=====================================================',
    '                        ⋮  56 GiB not monitored',
    'node 1 CXL   0x1000000000 │.....................................................',
    '                          │.....................................................',
    '                          │.....................................................',
    '                          │%%%%%%%%%%%%%%%%%%%%%%%%%%#..........................',
    '             0x1200000000 └┬─────────────────┬────────────────┬─────────────────',
    '                           0 s               30 s             1 min',
    '. none   0.000977 :::---===+++***###%%%@@@ 2 hits/s per MiB, log',
  ]);
});

test('a heatmap with colour draws two rows per line', (t) => {
  const text = renderHeatmap(smallHeatmap(), { lines: 4, nodes: SMALL_NODES, colorLevel: 3 });
  t.deepEqual(plain(text).split('\n'), [
    'Accesses by address and time',
    'node 0 DRAM           0x0 │▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀',
    '                          │█████████████████████████████████████████████████████',
    '                        ⋮  56 GiB not monitored',
    'node 1 CXL   0x1000000000 │█████████████████████████████████████████████████████',
    '                          │▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀██████████████████████████',
    '             0x1200000000 └┬─────────────────┬────────────────┬─────────────────',
    '                           0 s               30 s             1 min',
    '█ none   0.000977 ████████████████████████ 2 hits/s per MiB, log',
  ]);
  t.true(text.includes('\u001b[38;2;'));
});

test('a map of few snapshots is as wide as there is room, and has its time axis', (t) => {
  const heatmap = new Heatmap();
  const intervalNs = 10_000_000_000n;
  for (const [i, hits] of [1000, 1, 1000].entries()) {
    const timeNs = BigInt(i + 1) * intervalNs;
    heatmap.add(snapshotOf([[0n, GIB, hits]], { timeNs, intervalNs }));
  }
  const [, map = '', , ticks = ''] = renderHeatmap(heatmap, { lines: 1 }).split('\n');
  t.regex(map, /│@{22,}:{22,}@{22,}$/);
  t.regex(ticks, /^ +0 s +10 s +20 s$/);
});

test('256 colours are enough for half blocks, 16 are for glyphs', (t) => {
  const render = (colorLevel: ColorLevel): string =>
    renderHeatmap(smallHeatmap(), { lines: 4, nodes: SMALL_NODES, colorLevel });
  t.true(render(2).includes('\u001b[38;5;'));
  t.false(render(2).includes('\u001b[38;2;'));
  t.false(render(1).includes('\u001b[38;'));
  t.is(plain(render(1)), render(0));
});

test('a heatmap of nothing says so', (t) => {
  t.is(renderHeatmap(new Heatmap()), 'Accesses by address and time\nNothing was monitored.');
});

test('hot ranges are a table', (t) => {
  const ranges = hotRanges(
    snapshotOf([
      [0n, 2n * GIB, 4096, 20, 31],
      [2n * GIB, 8n * GIB, 64, 1, 4],
      [64n * GIB, 72n * GIB, 0, 0, 900],
    ]),
    { nodes: SMALL_NODES },
  );
  t.deepEqual(renderHotRanges(ranges, { width: 100 }).split('\n'), [
    'Hot ranges',
    '       start           end  node   size  hits/s/MiB  nr_accesses         age  of hits',
    '         0x0    0x80000000  DRAM  2 GiB           2           20       3.1 s   98.5 %',
    '  0x80000000   0x200000000  DRAM  6 GiB      0.0104            1      400 ms    1.5 %',
    '0x1000000000  0x1200000000  CXL   8 GiB           0            0  1 min 30 s    0.0 %',
  ]);
  // A narrow terminal does without the end, which follows from the size.
  t.deepEqual(renderHotRanges(ranges, { width: 80 }).split('\n'), [
    'Hot ranges',
    '       start  node   size  hits/s/MiB  nr_accesses         age  of hits',
    '         0x0  DRAM  2 GiB           2           20       3.1 s   98.5 %',
    '  0x80000000  DRAM  6 GiB      0.0104            1      400 ms    1.5 %',
    '0x1000000000  CXL   8 GiB           0            0  1 min 30 s    0.0 %',
  ]);
  t.is(renderHotRanges([]), 'Hot ranges\nNothing was monitored.');
});

test('hot ranges without nodes have no column for them', (t) => {
  const text = renderHotRanges(hotRanges(snapshotOf([[0n, 4096n, 1]])));
  t.deepEqual(text.split('\n'), [
    'Hot ranges',
    'start     end   size  hits/s/MiB  nr_accesses  age  of hits',
    '  0x0  0x1000  4 KiB         256            1  0 s  100.0 %',
  ]);
});

test('a working set is a line, or two where there is no room', (t) => {
  const set = workingSet(
    snapshotOf([
      [0n, 2n * GIB, 900],
      [2n * GIB, 8n * GIB, 100],
      [8n * GIB, 16n * GIB, 0],
    ]),
  );
  t.deepEqual(renderWorkingSet(set, { width: 120 }).split('\n'), [
    'Working set  8 GiB of 16 GiB accessed, 50 % of hits in 1.11 GiB, 90 % of hits in 2 GiB, 99 % of hits in 7.4 GiB',
  ]);
  t.deepEqual(renderWorkingSet(set, { width: 80 }).split('\n'), [
    'Working set  8 GiB of 16 GiB accessed, 50 % of hits in 1.11 GiB,',
    '             90 % of hits in 2 GiB, 99 % of hits in 7.4 GiB',
  ]);
});

test('books show each counter, and each equation with its mark', (t) => {
  const books: Books = {
    counters: {
      sampler: { tagged: 12_000, reported: 11_000 },
      ring: { drained: 10_999, dropped: { full: 1 } },
    },
    equations: [
      { name: 'every sample is reported', left: ['sampler.tagged'], right: ['sampler.reported'] },
      {
        name: 'every access report leaves the ring',
        left: ['sampler.reported'],
        right: ['ring.drained', 'ring.dropped.full'],
      },
    ],
  };
  t.deepEqual(renderBooks(books).split('\n'), [
    'Books',
    'sampler',
    '  tagged    12,000',
    '  reported  11,000',
    'ring',
    '  drained   10,999',
    '  dropped',
    '    full         1',
    '',
    '✗ every sample is reported',
    '    sampler.tagged = sampler.reported',
    '    12,000 ≠ 11,000 (off by 1,000)',
    '✓ every access report leaves the ring',
    '    sampler.reported = ring.drained + ring.dropped.full',
    '    11,000 = 10,999 + 1',
  ]);
});

test('each target stands next to published results for it', (t) => {
  const share = Float64Array.of(0, 50, 71, 69, 70, 10);
  const rows = convergenceRows(share, [
    { fromSecond: 0, target: 70 },
    { fromSecond: 5, target: 90 },
  ]);
  const published = [
    { target: 30, mean: 31, stddev: 1.28 },
    { target: 70, mean: 69.73, stddev: 0.7 },
  ];
  t.deepEqual(renderConvergence(rows, published).split('\n'), [
    'Convergence',
    '           target   mean  offset  stddev         ramp  overshoot',
    'from 0 s       70  70.00    0.00    1.00          2 s       1.00',
    'published      70  69.73   −0.27    0.70            –          –',
    'from 5 s       90      –       –       –  not reached          –',
    'published      30  31.00   +1.00    1.28            –          –',
    'Percent, and percentage points for offset, stddev and overshoot.',
  ]);
});

test('no line is wider than the terminal or ends in a space, at any width and with any colour', (t) => {
  const [replay, demo] = [sampleReplay(120), sampleDemo(120)];
  const longNames = NODES.map(({ id, start, end }) => ({
    id,
    start,
    end,
    name: 'behind a very long name',
  }));
  for (const width of WIDTHS) {
    for (const colorLevel of LEVELS) {
      const options = { width, colorLevel };
      const texts = [
        renderHeatmap(replay.heatmap, { ...options, nodes: longNames }),
        renderHotRanges(hotRanges(replay.last, { nodes: longNames }), options),
        renderWorkingSet(replay.workingSet, options),
        renderBooks(BOOKS, options),
        renderConvergence(demo.rows, demo.published, options),
      ];
      for (const line of texts.flatMap((text) => plain(text).split('\n'))) {
        t.true(line.length <= width, line);
        t.is(line, line.trimEnd());
      }
    }
  }
});

test('a width that no terminal should have is taken as the nearest that is supported', (t) => {
  const heatmap = smallHeatmap();
  const render = (width: number): string => renderHeatmap(heatmap, { width });
  t.is(render(10), render(80));
  t.is(render(NaN), render(80));
  t.is(render(1000), render(200));
});

test('names from outside cannot steer the terminal', (t) => {
  const nodes = [{ id: 0, name: '\u001b[2Jboo', start: 0n, end: GIB }];
  const heatmap = new Heatmap();
  const snapshot = snapshotOf([[0n, GIB, 1]]);
  heatmap.add(snapshot);
  const books = {
    counters: { '\u001b]0;x\u0007': 1 },
    equations: [{ name: '\u009b', left: ['\u001b]0;x\u0007'], right: [] }],
  };
  const text = [
    renderHeatmap(heatmap, { nodes }),
    renderHotRanges(hotRanges(snapshot, { nodes })),
    renderBooks(books),
  ].join('\n');
  t.notRegex(text.replaceAll('\n', ''), /\p{Cc}/u);
  t.true(text.includes('boo'));
});
