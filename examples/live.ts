import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { LiveKdamond, balance, hotRanges } from 'node-damon';

// A monitor on a thread of its own. Whoever sees accesses takes a lane and reports them.
const live = new LiveKdamond({
  regions: [{ start: '1 GiB', end: '2 GiB' }],
  attrs: { sampleUs: '5 ms', aggregationUs: '100 ms' },
  everyMs: '200 ms',
  highWaterMark: 64,
  laneSlots: 4096,
}).start();

// 1. From this thread: one report, or a batch from columns.
const lane = live.lane();
lane.report({ address: 2 ** 30, size: 64, cpu: 3, write: true });
const addresses = Float64Array.from({ length: 1000 }, (_, i) => 2 ** 30 + (i % 16) * 4096);
console.log('here:', lane.reportBatch({ addresses, size: 64 }));

// 2. From a worker, in JavaScript alone: no addon is loaded there, no native call is made.
const code = `
  const { workerData } = require('node:worker_threads');
  import('node-damon/producer').then(({ SharedProducer }) => {
    const producer = new SharedProducer(workerData);
    for (let i = 0; i < 2000; i++) producer.report({ address: 1.5 * 2 ** 30 + (i % 8) * 4096 });
    producer.close();
  });
`;
await once(new Worker(code, { eval: true, workerData: live.sharedLane() }), 'exit');

// Disarm, drain for the last time; what was seen can still be read.
await live.stop();
let total = 0;
for await (const snapshot of live) {
  const ranges = hotRanges(snapshot, { grainBytes: 2 ** 16 });
  for (const { start, szBytes, hits } of ranges.slice(0, 2)) {
    console.log(`0x${start.toString(16)} + ${szBytes / 1024} KiB: ${hits.toFixed(0)} hits`);
  }
  total += ranges.reduce((sum, { hits }) => sum + hits, 0);
}
console.log('hits in all:', Math.round(total));
const { inUse, retired } = live.lanes;
console.log('lanes in use:', inUse.length, '- reports of those that left:', retired.queued);
console.log(
  'balanced:',
  balance(live.books).every(({ offBy }) => offBy === 0n),
);
live.close();
