import test from 'ava';

import { item } from '../../../src/report/item.ts';
import {
  describeHeatmap,
  heatmapData,
  quotaData,
  shareData,
} from '../../../src/report/page/data.ts';
import { Heatmap } from '../../../src/report/heatmap.ts';
import { sampleDemo, sampleReplay } from '../sample.ts';

test('a drawn map has a place for each row, room for the hole, and both nodes beside it', (t) => {
  const { heatmap, nodes } = sampleReplay(60);
  const map = heatmapData(heatmap, nodes);
  t.is(map.rates.length, map.rows.length * map.columns);
  t.is(map.edges.length, map.columns + 1);
  t.deepEqual(
    map.breaks.map(({ text }) => text),
    ['892 GiB not monitored'],
  );
  t.deepEqual(
    map.nodes.map(({ name }) => name),
    ['node 0 DRAM', 'node 1 CXL'],
  );
  // Rows never overlap, and end where the map ends.
  t.true(map.rows.every(({ at }, i) => i === 0 || at >= item(map.rows, i - 1).at + 1));
  t.is(item(map.rows, map.rows.length - 1).at + 1, map.height);
  t.is(map.addresses.at(0)?.text, '0x100000000');
  t.is(map.addresses.at(-1)?.text, '0x14000000000');
});

test('a map is told in words with its hottest cell', (t) => {
  const { heatmap, nodes } = sampleReplay(60);
  t.regex(
    describeHeatmap(heatmapData(heatmap, nodes)),
    /^Access rates over 1 min, in \d+ rows of addresses\. The hottest cell has .* node 0 DRAM, from .*\.$/,
  );
  t.is(describeHeatmap(heatmapData(new Heatmap(), [])), 'Nothing was monitored.');
});

test('long series are averaged until they fit a screen', (t) => {
  const demo = sampleDemo(4000);
  const share = shareData(demo);
  t.is(share.step, 3);
  t.is(share.share.length, 1334);
  t.is(share.seconds, 4000);
  t.is(quotaData(demo).step, 17);
});

test('seconds without a value are gaps, not zeros', (t) => {
  const demo = sampleDemo(10);
  const share = demo.share.with(3, NaN);
  t.is(shareData({ ...demo, share }).share[3], null);
});
