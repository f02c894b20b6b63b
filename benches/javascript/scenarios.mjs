// What is measured from JavaScript: the cost of crossing into the addon, and of not crossing.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { LiveKdamond } from 'node-damon';

import { race } from './race.mjs';

/** @typedef {import('./race.mjs').Row} Row */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} about
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

/** @type {readonly Scenario[]} */
export const SCENARIOS = [
  {
    name: 'report-batch',
    about:
      'Reports from JavaScript into a lane of a live monitor: 4,096 in one call, or one call each.',
    measure: (smoke) => monitored((live) => reportBatch(live, smoke)),
  },
  {
    name: 'shared-producer',
    about:
      'Reports from a worker, one by one: over a SharedArrayBuffer without a native call, and with one.',
    measure: (smoke) => monitored((live) => sharedProducer(live, smoke)),
  },
];
