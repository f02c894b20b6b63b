// The worker of `shared-producer`: does a round of whatever is asked for and posts its nanoseconds.
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { Lane } from 'node-damon';
import { SharedProducer } from 'node-damon/producer';

/** @type {{ token: string, shared: import('node-damon').SharedLane, reports: number }} */
const { token, shared, reports } = workerData;
const lane = Lane.attach(token);
const producer = new SharedProducer(shared);
const list = Array.from({ length: reports }, (_, i) => ({ address: i * 4_096, size: 64 }));
const batches = list.map(({ address, size }) => ({ addresses: Float64Array.of(address), size }));

/** @type {Record<string, { lane: { readonly freeSlots: number }, push: () => number }>} */
const SUBJECTS = {
  shared: {
    lane: producer,
    push: () => list.filter((report) => producer.report(report) === 'queued').length,
  },
  single: { lane, push: () => list.filter((report) => lane.report(report) === 'queued').length },
  batch: {
    lane,
    push: () => batches.filter((columns) => lane.reportBatch(columns).queued === 1).length,
  },
};

parentPort?.on('message', async (/** @type {string} */ name) => {
  const subject = SUBJECTS[name];
  if (subject === undefined) throw new Error(`no subject ${name}`);
  while (subject.lane.freeSlots < reports) await sleep(1);
  const began = process.hrtime.bigint();
  const queued = subject.push();
  const took = process.hrtime.bigint() - began;
  if (queued !== reports) throw new Error(`${queued} of ${reports} reports were queued`);
  parentPort?.postMessage(took);
});
