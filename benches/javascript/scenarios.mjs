// What is measured from JavaScript: the cost of crossing into the addon, and of not crossing.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { Kdamond, LiveKdamond, columnsFor } from 'node-damon';

import { race } from './race.mjs';

/** @typedef {import('./race.mjs').Row} Row */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} about
 * @property {string} item what a time is divided by
 * @property {(smoke: boolean) => Promise<Row[]>} measure
 */

/** Reports of a batch. */
const REPORTS = 4_096;
/** Batches of a round: as many as fill a lane. */
const BATCHES = 16;

/**
 * Lends a monitor that empties its lanes each millisecond.
 *
 * @template T
 * @param {(live: LiveKdamond) => Promise<T>} use
 */
async function monitored(use) {
  const live = new LiveKdamond({
    regions: [{ start: 0, end: '1 GiB' }],
    attrs: { sampleUs: '1 ms', aggregationUs: '20 ms' },
    laneSlots: BATCHES * REPORTS,
  }).start();
  try {
    return await use(live);
  } finally {
    live.close();
  }
}

/** @param {{ readonly freeSlots: number }} lane */
async function drained(lane) {
  while (lane.freeSlots < BATCHES * REPORTS) await sleep(1);
}

/**
 * @param {LiveKdamond} live
 * @param {boolean} smoke
 */
async function reportBatch(live, smoke) {
  const lane = live.lane();
  const addresses = Float64Array.from({ length: REPORTS }, (_, i) => (i * 4_096) % 2 ** 30);
  const integers = BigUint64Array.from(addresses, BigInt);
  const reports = Array.from(addresses, (address) => ({ address, size: 64 }));
  /** @param {() => number} push returns how many were queued */
  const timed = async (push) => {
    await drained(lane);
    const began = process.hrtime.bigint();
    let queued = 0;
    for (let batch = 0; batch < BATCHES; batch++) queued += push();
    const took = process.hrtime.bigint() - began;
    if (queued !== BATCHES * REPORTS) throw new Error(`only ${queued} reports were queued`);
    return took;
  };
  const oneByOne = () => {
    let queued = 0;
    for (const report of reports) if (lane.report(report) === 'queued') queued++;
    return queued;
  };
  return race(
    {
      scenario: 'report-batch',
      params: { reports: REPORTS },
      rounds: smoke ? 3 : 101,
      items: BATCHES * REPORTS,
    },
    [
      {
        name: 'ours',
        ours: true,
        round: () => timed(() => lane.reportBatch({ addresses: integers, size: 64 }).queued),
      },
      {
        name: 'ours-float64',
        ours: true,
        round: () => timed(() => lane.reportBatch({ addresses, size: 64 }).queued),
      },
      { name: 'one-native-call-each', ours: false, round: () => timed(oneByOne) },
    ],
  );
}

/**
 * @param {LiveKdamond} live
 * @param {boolean} smoke
 */
async function sharedProducer(live, smoke) {
  const worker = new Worker(new URL('./producers.worker.mjs', import.meta.url), {
    workerData: { token: live.token, shared: live.sharedLane(), reports: REPORTS },
  });
  /** @param {string} subject */
  const round = async (subject) => {
    worker.postMessage(subject);
    const [took] = await once(worker, 'message');
    return /** @type {bigint} */ (took);
  };
  try {
    return await race(
      {
        scenario: 'shared-producer',
        params: { reports: REPORTS },
        rounds: smoke ? 3 : 201,
        items: REPORTS,
      },
      [
        { name: 'ours', ours: true, round: () => round('shared') },
        { name: 'report-batch-of-1', ours: false, round: () => round('batch') },
        { name: 'one-native-call-each', ours: false, round: () => round('single') },
      ],
    );
  } finally {
    await worker.terminate();
  }
}

/** Bytes of a region of which there are many, and of what emulated memory is a multiple. */
const REGION_SZ = 8_192;
const BLOCK_SZ = 2 ** 27;

/**
 * Takes one snapshot of about so many regions, and lends it with the call that copied it.
 *
 * @param {number} count
 * @returns {Promise<{ snapshot: import('node-damon').Snapshot, cross: () => void }>}
 */
async function taken(count) {
  const kdamond = new Kdamond({
    source: {
      type: 'emulation',
      nodes: [{ start: 0, end: Math.ceil((count * REGION_SZ) / BLOCK_SZ) * BLOCK_SZ }],
      workload: { type: 'hot_set', bytes: '16 MiB' },
      processor: { cpus: 1 },
    },
    attrs: {
      sampleUs: '1 ms',
      aggregationUs: '1 ms',
      minNrRegions: count,
      maxNrRegions: 2 * count,
    },
    everyMs: 0,
  });
  // The copy alone, out of the monitor, as the loop over the snapshots calls it.
  const { NativeMonitor } = createRequire(import.meta.url)('../../native/binding.cjs');
  const copy = NativeMonitor.prototype.snapshotInto;
  /** @type {(() => void) | undefined} */
  let cross;
  NativeMonitor.prototype.snapshotInto = function (/** @type {unknown[]} */ ...columns) {
    cross = () => copy.apply(this, columns);
    return copy.apply(this, columns);
  };
  try {
    for await (const snapshot of kdamond.snapshots({ columnsFor })) {
      if (cross !== undefined) return { snapshot, cross };
    }
  } finally {
    NativeMonitor.prototype.snapshotInto = copy;
  }
  throw new Error('the monitor took no snapshot');
}

/**
 * Twice untimed before, as one snapshot is taken after another: a million objects of one subject push
 * the columns of the next out of all caches, and one pass over them does not bring all of them back.
 *
 * @param {() => void} work
 */
async function timeOf(work) {
  work();
  work();
  const began = process.hrtime.bigint();
  work();
  return process.hrtime.bigint() - began;
}

/**
 * @param {number} count
 * @param {boolean} smoke
 */
async function snapshotInto(count, smoke) {
  const { snapshot, cross } = await taken(count);
  const copied = columnsFor(snapshot.length);
  const copy = () => {
    copied.starts.set(snapshot.starts);
    copied.ends.set(snapshot.ends);
    copied.nrAccesses.set(snapshot.nrAccesses);
    copied.ages.set(snapshot.ages);
    copied.hits.set(snapshot.hits);
  };
  const objects = () => {
    let end = 0n;
    for (const region of snapshot) end = region.end;
    if (end !== snapshot.ends.at(-1)) throw new Error('regions were left out');
  };
  return race(
    {
      scenario: 'snapshot-into',
      params: { regions: count },
      rounds: smoke ? 3 : 51,
      items: snapshot.length,
    },
    [
      { name: 'ours', ours: true, round: () => timeOf(cross) },
      { name: 'copy-in-javascript', ours: false, round: () => timeOf(copy) },
      { name: 'an-object-each', ours: false, round: () => timeOf(objects) },
    ],
  );
}

/** @type {readonly Scenario[]} */
export const SCENARIOS = [
  {
    name: 'report-batch',
    about:
      'Reports from JavaScript into a lane of a live monitor: 4,096 in one call, or one call each.',
    item: 'report',
    measure: (smoke) => monitored((live) => reportBatch(live, smoke)),
  },
  {
    name: 'shared-producer',
    about:
      'Reports from a worker, one by one: over a SharedArrayBuffer without a native call, and with one.',
    item: 'report',
    measure: (smoke) => monitored((live) => sharedProducer(live, smoke)),
  },
  {
    name: 'snapshot-into',
    about:
      "A snapshot's columns from the monitor into arrays that lie there, beside a copy from arrays to " +
      'arrays, and beside one object for each region.',
    item: 'region',
    measure: async (smoke) => {
      const rows = [];
      for (const count of smoke ? [1_000] : [1_000, 100_000, 1_000_000]) {
        rows.push(...(await snapshotInto(count, smoke)));
      }
      return rows;
    },
  },
];
