import { Kdamond, RFC_MACHINE, balance, hotRanges, pullPush, readMachineFile } from 'node-damon';

const { signal } = new AbortController(); // abort() ends either job with the signal's reason

// 1. A recording: what was hot, where, and did anything get lost?
const path = 'examples/redis-linux-6.12.samples.csv.zst';
const replay = new Kdamond({
  source: { type: 'recording', path, nodes: readMachineFile(path) },
  attrs: { sampleUs: '5 ms', aggregationUs: '500 ms', minNrRegions: 500, maxNrRegions: 1000 },
  schemes: [{ action: 'stat', pattern: { nrAccesses: { min: 1 } } }],
  everyMs: '10 s',
});
for await (const snapshot of replay.snapshots({ signal })) {
  const [hottest] = hotRanges(snapshot, { nodes: replay.nodes, grainBytes: 2 ** 21 });
  if (hottest === undefined) continue;
  const { start, szBytes, node, rate } = hottest;
  const at = `0x${start.toString(16)} + ${szBytes / 2 ** 20} MiB on node ${node?.id}`;
  console.log(`${Number(snapshot.timeNs) / 1e9} s: ${at}, ${rate.toFixed(0)} hits/s/MiB`);
}
console.log(
  'balanced:',
  balance(replay.books).every(({ offBy }) => offBy === 0n),
);
replay.close();

// 2. A closed loop: PULL and PUSH hold 70 % of 32 GiB of hot memory on DRAM beside CXL.
using loop = new Kdamond({
  source: RFC_MACHINE,
  schemes: pullPush({
    fast: { id: 0, start: 0, end: '128 GiB' },
    slow: { id: 1, start: '128 GiB', end: '256 GiB' },
    targetBp: 7000,
  }),
});
const share: number[] = [];
await loop.run({
  untilMs: '30 s',
  signal,
  onTuning: ({ scheme, goals }) => {
    if (scheme === 0) share.push((goals[0]?.currentValue ?? NaN) / 100);
  },
});
console.log(`DRAM share by second: ${share.map((percent) => percent.toFixed(1)).join(' ')}`);
