import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { Ajv } from 'ajv';
import test from 'ava';

import { DamonError } from '../src/errors.ts';
import { Kdamond } from '../src/kdamond.ts';
import { ATTRS_DEFAULT } from '../src/monitor/attrs.ts';
import { resolveOptions } from '../src/kdamond-options.ts';
import { recordingOf, rows, SMALL } from './support/small.ts';

/** A field, values it takes, and values it refuses. */
interface Field {
  /** As an error names it. */
  readonly path: string;
  /** Options with the field set. */
  readonly set: (value: unknown) => unknown;
  readonly taken: readonly unknown[];
  readonly refused: readonly unknown[];
  /** Part of what the error says was expected. */
  readonly expected: RegExp;
}

const recording = (more: object) => ({ source: { type: 'recording', path: 'a.csv', ...more } });
const emulation = (more: object) => ({ source: { ...SMALL, ...more } });
const workload = (more: object) => emulation({ workload: { ...SMALL.workload, ...more } });
const sampler = (more: object) => emulation({ sampler: { type: 'ibs_op', ...more } });
const node = (more: object) => emulation({ nodes: [{ start: 0, end: '1 GiB', ...more }] });
const attrs = (more: object) => ({ source: SMALL, attrs: more });
const scheme = (more: object) => ({ source: SMALL, schemes: [{ action: 'stat', ...more }] });
const pattern = (more: object) => scheme({ pattern: more });
const quota = (more: object) => scheme({ quota: more });
const goal = (more: object) => quota({ goals: [more] });
const nodeGoal = (more: object) =>
  goal({ metric: 'node_eligible_mem_bp', nid: 0, targetValue: 1, ...more });
const inputGoal = (more: object) => goal({ metric: 'user_input', targetValue: 1, ...more });
const filter = (more: object) =>
  scheme({ filters: [{ type: 'addr', range: { start: 0, end: 4096 }, ...more }] });
const memcgGoal = (more: object) =>
  goal({ metric: 'node_memcg_used_bp', nid: 0, targetValue: 1, ...more });
const destinations = (more: object) =>
  scheme({ action: 'migrate_hot', destinations: [{ nid: 0, weight: 1 }], ...more });
const marks = (more: object) => scheme({ watermarks: { metric: 'free_mem_rate', ...more } });
const tuned = (more: object) =>
  attrs({
    intervalsGoal: {
      accessBp: 400,
      aggregations: 3,
      minSampleUs: 5_000,
      maxSampleUs: '10 s',
      ...more,
    },
  });
const ofProcess = (more: object) => ({ source: SMALL, targets: [{ tgid: 1, ...more }] });
const filterRange = (more: object) => filter({ range: { start: 0, end: 4096, ...more } });

const S = 'schemes[0]';
const G = `${S}.quota.goals[0]`;
const SAFE = Number.MAX_SAFE_INTEGER;
const U32 = 2 ** 32 - 1;
const NO_INTEGER = [1.5, NaN, '5', 5n, null, true, {}];
const NO_TIME = [-1, 1.5, NaN, '5', '5 MiB', null, {}];
const NO_SIZE = [-1, 1.5, NaN, '5', '5 ms', null, {}];
const NO_BOOLEAN = [0, 1, 'yes', null];
const NO_TEXT = [5, null, {}];
const NO_OBJECT = [5, 'x', null];
const NO_LIST = [5, 'x', {}, null];
const NO_ADDRESS = [-1, 1.5, -1n, 2n ** 53n, '10', '0x', 'x', null, {}];

const FIELDS: readonly Field[] = [
  {
    path: 'source.type',
    set: (type) => ({ source: { type } }),
    taken: [],
    refused: ['x', 5, null, undefined],
    expected: /^`emulation`, `recording` or `operations`$/,
  },
  {
    path: 'source.path',
    set: (path) => recording({ path }),
    taken: ['a', '/a b.csv'],
    refused: ['', ...NO_TEXT, undefined],
    expected: /name of a file/,
  },
  {
    path: 'source.cpus',
    set: (cpus) => recording({ cpus }),
    taken: [1, 8192],
    refused: [0, 8193, ...NO_INTEGER],
    expected: /from 1 to 8192/,
  },
  {
    path: 'source.badRows',
    set: (badRows) => recording({ badRows }),
    taken: ['stop', 'count'],
    refused: ['skip', null, true],
    expected: /^`stop` or `count`$/,
  },
  {
    path: 'source.gapMaxNs',
    set: (gapMaxNs) => recording({ gapMaxNs }),
    taken: [0, '1 h', SAFE],
    refused: NO_TIME,
    expected: /whole nanoseconds/,
  },
  {
    path: 'source.regions',
    set: (regions) => recording({ regions }),
    taken: [[], [{ start: 0, end: 1 }]],
    refused: NO_LIST,
    expected: /^a list$/,
  },
  {
    path: 'source.regions[1].start',
    set: (start) =>
      recording({
        regions: [
          { start: 0, end: 4096 },
          { start, end: 8192 },
        ],
      }),
    taken: [4096, '0x1000', 4096n],
    refused: [0, 4095, ...NO_ADDRESS],
    expected: /at or above 4096, where the range before it ends|an address/,
  },
  {
    path: 'source.regions[0].end',
    set: (end) => recording({ regions: [{ start: 4096, end }] }),
    taken: [4097, SAFE],
    refused: [4096, 0, ...NO_ADDRESS],
    expected: /above start|an address/,
  },
  {
    path: 'source.nodes',
    set: (nodes) => recording({ nodes }),
    taken: [
      [],
      [{ start: 0, end: 1 }],
      [
        { start: 8, end: 9 },
        { start: 0, end: 8 },
      ],
    ],
    refused: NO_LIST,
    expected: /^a list$/,
  },
  {
    path: 'source.nodes[1]',
    set: (second) => recording({ nodes: [{ start: 4, end: 8 }, second] }),
    taken: [
      { start: 8, end: 9 },
      { start: 0, end: 4 },
    ],
    refused: [{ start: 7, end: 9 }, { start: 0, end: 5 }, { start: 5, end: 6 }, ...NO_OBJECT],
    expected: /apart from the nodes before it|an object/,
  },
  {
    path: 'source.nodes[0].name',
    set: (name) => node({ name }),
    taken: ['DRAM', ''],
    refused: NO_TEXT,
    expected: /text/,
  },
  {
    path: 'source.nodes[0].start',
    set: (start) => node({ start }),
    taken: [0, '128 MiB'],
    refused: NO_ADDRESS,
    expected: /an address/,
  },
  {
    path: 'source.workload',
    set: (value) => emulation({ workload: value }),
    taken: [SMALL.workload],
    refused: [...NO_OBJECT, undefined],
    expected: /an object/,
  },
  {
    path: 'source.workload.type',
    set: (type) => workload({ type }),
    taken: ['hot_set'],
    refused: ['zipf', null, undefined],
    expected: /^`hot_set` or `processes`$/,
  },
  {
    path: 'source.workload.bytes',
    set: (bytes) => workload({ bytes }),
    taken: [4096, '64 MiB'],
    refused: [0, 4095, 4097, ...NO_SIZE, undefined],
    expected: /whole pages of 4096|whole bytes/,
  },
  {
    path: 'source.workload.hotBytes',
    set: (hotBytes) => workload({ hotBytes }),
    taken: [4096, '64 MiB', undefined],
    refused: [0, 4095, '64.00390625 MiB', ...NO_SIZE],
    expected: /whole pages of 4096|at most bytes \(67108864\)|whole bytes/,
  },
  {
    path: 'source.workload.hotShare',
    set: (hotShare) => workload({ hotShare, hotBytes: 4096 }),
    taken: [0, 0.5, 1],
    refused: [-0.1, 1.1, NaN, '1', null],
    expected: /a share from 0 to 1/,
  },
  {
    path: 'source.workload.hotShare',
    set: (hotShare) => workload({ hotShare }),
    taken: [1],
    refused: [0.9, 0],
    expected: /1 when all memory is hot/,
  },
  {
    path: 'source.workload.storeShare',
    set: (storeShare) => workload({ storeShare }),
    taken: [0, 1],
    refused: [-0.1, 1.1, NaN, '1', null],
    expected: /a share from 0 to 1/,
  },
  {
    path: 'source.workload.interleave',
    set: (interleave) => workload({ interleave }),
    taken: [
      [1, 0],
      [1000, 1000],
    ],
    refused: [[], [0, 0], ...NO_LIST],
    expected: /at least one weight above 0|a list/,
  },
  {
    path: 'source.workload.interleave[1]',
    set: (weight) => workload({ interleave: [1, weight] }),
    taken: [0, 1000],
    refused: [-1, 1001, ...NO_INTEGER],
    expected: /from 0 to 1000/,
  },
  {
    path: 'source.sampler.type',
    set: (type) => sampler({ type }),
    taken: ['ibs_op', 'pebs', 'hint_faults'],
    refused: ['spe', null, undefined],
    expected: /^`ibs_op`, `pebs`, `chmu` or `hint_faults`$/,
  },
  {
    path: 'source.processor.cpus',
    set: (cpus) => emulation({ processor: { cpus } }),
    taken: [1, 8192],
    refused: [0, 8193, ...NO_INTEGER],
    expected: /from 1 to 8192/,
  },
  {
    path: 'source.threads',
    set: (threads) => emulation({ threads }),
    taken: [1, 64, undefined],
    refused: [0, 65, ...NO_INTEGER],
    expected: /from 1 to 64/,
  },
  {
    path: 'source.sampler.period',
    set: (period) => sampler({ period }),
    taken: [144, 160, 134_217_712],
    refused: [128, 143, 145, 134_217_713, 134_217_728, ...NO_INTEGER],
    expected: /from 144 to 134217712/,
  },
  {
    path: 'source.sampler.counting',
    set: (counting) => sampler({ counting }),
    taken: ['cycles', 'ops'],
    refused: ['time', null],
    expected: /^`cycles` or `ops`$/,
  },
  {
    path: 'source.sampler.rateHz',
    set: (rateHz) => sampler({ rateHz }),
    taken: [1, 1e12],
    refused: [0, 1e12 + 1, ...NO_INTEGER],
    expected: /from 1 to 1000000000000/,
  },
  {
    path: 'source.sampler.dataShare',
    set: (dataShare) => sampler({ dataShare }),
    taken: [1e-9, 1],
    refused: [0, -0.1, 1.1, NaN, '1', null],
    expected: /a share/,
  },
  {
    path: 'operations',
    set: (operations) => ({ source: SMALL, operations }),
    taken: ['vaddr', 'fvaddr', 'paddr', 'paddr_ibs'],
    refused: ['paddr_pebs', 5, null],
    expected: /`vaddr`, `fvaddr`, `paddr` or `paddr_ibs`/,
  },
  {
    path: 'attrs',
    set: (value) => ({ source: SMALL, attrs: value }),
    taken: [{}, undefined],
    refused: NO_OBJECT,
    expected: /an object/,
  },
  {
    path: 'attrs.sampleUs',
    set: (sampleUs) => attrs({ sampleUs }),
    taken: [1, '5 ms', 100_000],
    refused: [0, 100_001, ...NO_TIME],
    expected: /at least 1 microsecond|at most aggregationUs \(100000\)|whole microseconds/,
  },
  {
    path: 'attrs.aggregationUs',
    set: (aggregationUs) => attrs({ aggregationUs }),
    taken: [5_000, '1 h'],
    refused: NO_TIME,
    expected: /whole microseconds/,
  },
  {
    path: 'attrs.minNrRegions',
    set: (minNrRegions) => attrs({ minNrRegions }),
    taken: [3, 1_000],
    refused: [2, 1_001, ...NO_INTEGER],
    expected: /from 3 to 2\^53 - 1|at most maxNrRegions \(1000\)/,
  },
  {
    path: 'attrs.maxNrRegions',
    set: (maxNrRegions) => attrs({ maxNrRegions, minNrRegions: 3 }),
    taken: [3, SAFE],
    refused: [2, SAFE + 1, ...NO_INTEGER],
    expected: /from 3 to 2\^53 - 1/,
  },
  {
    path: 'attrs.opsUpdateUs',
    set: (opsUpdateUs) => attrs({ opsUpdateUs }),
    taken: [0, '60 s', SAFE],
    refused: NO_TIME,
    expected: /whole microseconds/,
  },
  {
    path: 'attrs.intervalsGoal',
    set: (intervalsGoal) => attrs({ intervalsGoal }),
    taken: [undefined],
    refused: NO_OBJECT,
    expected: /an object/,
  },
  {
    path: 'attrs.intervalsGoal.accessBp',
    set: (accessBp) => tuned({ accessBp }),
    taken: [1, 10_000, '4 %'],
    refused: [0, 10_001, '101 %', 1.5, undefined],
    expected: /more than 0 and at most 10000 basis points|whole basis points/,
  },
  {
    path: 'attrs.intervalsGoal.aggregations',
    set: (aggregations) => tuned({ aggregations }),
    taken: [1, SAFE],
    refused: [0, SAFE + 1, ...NO_INTEGER, undefined],
    expected: /from 1 to 2\^53 - 1/,
  },
  {
    path: 'attrs.intervalsGoal.minSampleUs',
    set: (minSampleUs) => tuned({ minSampleUs, maxSampleUs: 6_000 }),
    taken: [1, 5_000],
    refused: [0, 6_001, ...NO_TIME, undefined],
    expected: /at least 1 microsecond|at most maxSampleUs \(6000\)|whole microseconds/,
  },
  {
    path: 'attrs.sampleUs',
    set: (sampleUs) => ({
      source: SMALL,
      attrs: {
        sampleUs,
        intervalsGoal: {
          accessBp: 1,
          aggregations: 1,
          minSampleUs: 4_000,
          maxSampleUs: 6_000,
        },
      },
    }),
    taken: [4_000, 6_000],
    refused: [3_999, 6_001],
    expected: /from 4000 to 6000 us, as intervalsGoal says/,
  },
  {
    path: 'targets',
    set: (targets) => ({ source: SMALL, targets }),
    taken: [[{}], undefined],
    refused: [[], ...NO_LIST],
    expected: /a list|at least one target/,
  },
  {
    path: 'targets[0].tgid',
    set: (tgid) => ofProcess({ tgid }),
    taken: [1, U32, undefined],
    refused: [0, U32 + 1, ...NO_INTEGER],
    expected: /from 1 to 4294967295/,
  },
  {
    path: 'targets[0].obsolete',
    set: (obsolete) => ofProcess({ obsolete }),
    taken: [true, false, undefined],
    refused: NO_BOOLEAN,
    expected: /true or false/,
  },
  {
    path: 'targets[0].regions[0].end',
    set: (end) => ofProcess({ regions: [{ start: 4096, end }] }),
    taken: [4097, SAFE],
    refused: [4096, 0, ...NO_ADDRESS],
    expected: /above start|an address/,
  },
  {
    path: 'addrUnit',
    set: (addrUnit) => ({ source: SMALL, addrUnit }),
    taken: [1, 4096],
    refused: [0, -1, ...NO_INTEGER],
    expected: /from 1 to 2\^53 - 1/,
  },
  {
    path: 'paused',
    set: (paused) => ({ source: SMALL, paused }),
    taken: [true, false, undefined],
    refused: NO_BOOLEAN,
    expected: /true or false/,
  },
  {
    path: 'unsupportedActions',
    set: (unsupportedActions) => ({ source: SMALL, unsupportedActions }),
    taken: ['refuse', 'attempt', undefined],
    refused: ['ignore', null, true],
    expected: /^`refuse` or `attempt`$/,
  },
  {
    path: 'controlTimeoutMs',
    set: (controlTimeoutMs) => ({ source: SMALL, controlTimeoutMs }),
    taken: [1, '10 s', 2 ** 31 - 1],
    refused: [0, 2 ** 31, ...NO_TIME],
    expected: /from 1 to 2147483647 milliseconds|whole milliseconds/,
  },
  {
    path: 'everyMs',
    set: (everyMs) => ({ source: SMALL, everyMs }),
    taken: [0, '100 ms', 9_007_199_254],
    refused: [9_007_199_255, ...NO_TIME],
    expected: /whole milliseconds|from 0 to 9007199254 milliseconds/,
  },
  {
    path: 'laneSlots',
    set: (laneSlots) => ({ source: SMALL, laneSlots }),
    taken: [1, 2, 65_536],
    refused: [0, 3, 65_537, 131_072, ...NO_INTEGER],
    expected: /from 1 to 65536/,
  },
  {
    path: 'seed',
    set: (seed) => ({ source: SMALL, seed }),
    taken: [0, SAFE],
    refused: [-1, SAFE + 1, ...NO_INTEGER],
    expected: /from 0 to 2\^53 - 1/,
  },
  {
    path: 'schemes',
    set: (schemes) => ({ source: SMALL, schemes }),
    taken: [[], undefined],
    refused: NO_LIST,
    expected: /a list/,
  },
  {
    path: `${S}.name`,
    set: (name) => scheme({ name }),
    taken: ['PULL', ''],
    refused: NO_TEXT,
    expected: /text/,
  },
  {
    path: `${S}.action`,
    set: (action) => scheme({ action }),
    taken: ['stat', 'pageout', 'lru_prio', 'lru_deprio'],
    refused: ['free', 5, null, undefined],
    expected: /`willneed`, .*`migrate_cold` or `stat`/,
  },
  {
    path: `${S}.targetNid`,
    set: (targetNid) => scheme({ action: 'migrate_hot', targetNid }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 0 to 4294967295|a node for migrate_hot and migrate_cold/,
  },
  {
    path: `${S}.targetNid`,
    set: (targetNid) => scheme({ targetNid }),
    taken: [undefined],
    refused: [0],
    expected: /absent otherwise/,
  },
  {
    path: `${S}.targetNid`,
    set: (targetNid) => destinations({ targetNid }),
    taken: [undefined],
    refused: [0],
    expected: /without destinations/,
  },
  {
    path: `${S}.destinations`,
    set: (list) => destinations({ destinations: list }),
    taken: [[{ nid: 0, weight: 1 }]],
    refused: [[{ nid: 0, weight: 0 }], ...NO_LIST],
    expected: /at least one weight above 0|a list/,
  },
  {
    path: `${S}.destinations`,
    set: (list) => scheme({ destinations: list }),
    taken: [[], undefined],
    refused: [[{ nid: 0, weight: 1 }]],
    expected: /^absent: only migrate_hot and migrate_cold/,
  },
  {
    path: `${S}.destinations[0].nid`,
    set: (nid) => destinations({ destinations: [{ nid, weight: 1 }] }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 0 to 4294967295/,
  },
  {
    path: `${S}.destinations[0].weight`,
    set: (weight) =>
      destinations({
        destinations: [
          { nid: 0, weight },
          { nid: 1, weight: 1 },
        ],
      }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 0 to 4294967295/,
  },
  {
    path: `${S}.maxNrSnapshots`,
    set: (maxNrSnapshots) => scheme({ maxNrSnapshots }),
    taken: [0, SAFE],
    refused: [-1, SAFE + 1, ...NO_INTEGER],
    expected: /from 0 to 2\^53 - 1/,
  },
  {
    path: `${S}.watermarks`,
    set: (watermarks) => scheme({ watermarks }),
    taken: [{ metric: 'none' }, { metric: 'free_mem_rate' }, undefined],
    refused: NO_OBJECT,
    expected: /an object/,
  },
  {
    path: `${S}.watermarks.metric`,
    set: (metric) => marks({ metric }),
    taken: ['none', 'free_mem_rate'],
    refused: ['free', null, undefined],
    expected: /^`none` or `free_mem_rate`$/,
  },
  {
    path: `${S}.watermarks.intervalUs`,
    set: (intervalUs) => marks({ intervalUs }),
    taken: [0, '5 s', SAFE],
    refused: NO_TIME,
    expected: /whole microseconds/,
  },
  {
    path: `${S}.watermarks.highPermil`,
    set: (highPermil) => marks({ highPermil }),
    taken: [0, 1_000],
    refused: [-1, 1_001, ...NO_INTEGER],
    expected: /from 0 to 1000/,
  },
  {
    path: `${S}.watermarks.midPermil`,
    set: (midPermil) => marks({ lowPermil: 200, midPermil, highPermil: 500 }),
    taken: [200, 500],
    refused: [501, ...NO_INTEGER],
    expected: /from 0 to 1000|at most highPermil \(500\)/,
  },
  {
    path: `${S}.watermarks.lowPermil`,
    set: (lowPermil) => marks({ lowPermil, midPermil: 300 }),
    taken: [0, 300],
    refused: [301, ...NO_INTEGER],
    expected: /from 0 to 1000|at most midPermil \(300\)/,
  },
  {
    path: `${S}.applyIntervalUs`,
    set: (applyIntervalUs) => scheme({ applyIntervalUs }),
    taken: [0, '1 s'],
    refused: NO_TIME,
    expected: /whole microseconds/,
  },
  {
    path: `${S}.pattern.szBytes.min`,
    set: (min) => pattern({ szBytes: { min, max: '8 KiB' } }),
    taken: [0, 8_192, '8 KiB'],
    refused: [8_193, ...NO_SIZE],
    expected: /whole bytes|at most max \(8192\)/,
  },
  {
    path: `${S}.pattern.nrAccesses.min`,
    set: (min) => pattern({ nrAccesses: { min, max: 5 } }),
    taken: [0, 5],
    refused: [-1, 6, ...NO_INTEGER],
    expected: /from 0 to 4294967295|at most max \(5\)/,
  },
  {
    path: `${S}.pattern.age.max`,
    set: (max) => pattern({ age: { max } }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER],
    expected: /from 0 to 4294967295/,
  },
  {
    path: `${S}.pattern.age`,
    set: (age) => pattern({ age }),
    taken: [{}, undefined],
    refused: NO_OBJECT,
    expected: /an object/,
  },
  {
    path: `${S}.quota.szBytes`,
    set: (szBytes) => quota({ szBytes }),
    taken: [0, 4_096, '8 TiB'],
    refused: [1, 4_095, ...NO_SIZE],
    expected: /0 or at least 4096 bytes|whole bytes/,
  },
  {
    path: `${S}.quota.resetIntervalMs`,
    set: (resetIntervalMs) => quota({ resetIntervalMs }),
    taken: [0, '1 s'],
    refused: NO_TIME,
    expected: /whole milliseconds/,
  },
  {
    path: `${S}.quota.weights.nrAccessesPermil`,
    set: (nrAccessesPermil) => quota({ weights: { nrAccessesPermil } }),
    taken: [0, 1_000],
    refused: [-1, 1_001, ...NO_INTEGER],
    expected: /from 0 to 1000/,
  },
  {
    path: `${S}.quota.weights.agePermil`,
    set: (agePermil) => quota({ weights: { agePermil } }),
    taken: [0, 1_000],
    refused: [-1, 1_001, ...NO_INTEGER],
    expected: /from 0 to 1000/,
  },
  {
    path: `${S}.quota.weights.szPermil`,
    set: (szPermil) => quota({ weights: { szPermil } }),
    taken: [0, 1_000],
    refused: [-1, 1_001, ...NO_INTEGER],
    expected: /from 0 to 1000/,
  },
  {
    path: `${S}.quota.timeMs`,
    set: (timeMs) => quota({ timeMs }),
    taken: [0, '10 ms'],
    refused: NO_TIME,
    expected: /whole milliseconds/,
  },
  {
    path: `${S}.quota.failCharge.numerator`,
    set: (numerator) => quota({ failCharge: { numerator, denominator: 4096 } }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 0 to 4294967295/,
  },
  {
    path: `${S}.quota.failCharge.denominator`,
    set: (denominator) => quota({ failCharge: { numerator: 1, denominator } }),
    taken: [1, U32],
    refused: [0, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 1 to 4294967295/,
  },
  {
    path: `${S}.quota.tuner`,
    set: (tuner) => quota({ tuner }),
    taken: ['consist', 'temporal', { name: 'mine', step: () => 0 }],
    refused: ['pid', null],
    expected: /^`consist`, `temporal` or `proportional`, or a tuner of your own$/,
  },
  {
    path: `${S}.quota.tuner.step`,
    set: (step) => quota({ tuner: { name: 'mine', step } }),
    taken: [() => 0],
    refused: [0, 'x', null, undefined],
    expected: /^a function that takes a step$/,
  },
  {
    path: `${S}.quota.tuner.name`,
    set: (name) => quota({ tuner: { name, step: () => 0 } }),
    taken: ['', 'mine'],
    refused: [...NO_TEXT, undefined],
    expected: /text/,
  },
  {
    path: `${G}`,
    set: (input) => quota({ goals: [input] }),
    taken: [],
    refused: NO_OBJECT,
    expected: /an object/,
  },
  {
    path: `${G}.metric`,
    set: (metric) => inputGoal({ metric }),
    taken: ['user_input', { name: 'mine', measure: () => 0 }],
    refused: ['cpu_load', null, undefined],
    expected: /^`user_input`, .* or `hugepage_mem_bp`, or a metric of your own$/,
  },
  {
    path: `${G}.metric.measure`,
    set: (measure) => goal({ metric: { name: 'mine', measure }, targetValue: 1 }),
    taken: [() => 0],
    refused: [0, 'x', null, undefined],
    expected: /^a function that measures$/,
  },
  {
    path: `${G}.targetValue`,
    set: (targetValue) => goal({ metric: 'some_mem_psi_us', targetValue }),
    taken: [1, '5 ms', SAFE],
    refused: [0, ...NO_TIME, undefined],
    expected: /at least 1 microsecond|whole microseconds/,
  },
  {
    path: `${G}.targetValue`,
    set: (targetValue) => goal({ metric: 'active_mem_bp', targetValue }),
    taken: [1, 10_000, '70 %'],
    refused: [0, 10_001, '101 %', 1.5, undefined],
    expected: /more than 0 and at most 10000 basis points|whole basis points/,
  },
  {
    path: `${G}.memcg`,
    set: (memcg) => memcgGoal({ memcg }),
    taken: ['/a', ''],
    refused: [...NO_TEXT, undefined],
    expected: /text/,
  },
  {
    path: `${G}.complement`,
    set: (complement) => nodeGoal({ complement }),
    taken: [true, false, undefined],
    refused: NO_BOOLEAN,
    expected: /true or false/,
  },
  {
    path: `${G}.nid`,
    set: (nid) => nodeGoal({ nid }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 0 to 4294967295/,
  },
  {
    path: `${G}.targetValue`,
    set: (targetValue) => nodeGoal({ targetValue }),
    taken: [1, 10_000, '0.01 %', '100 %'],
    refused: [0, 10_001, '0 %', '101 %', -1, 1.5, '70', null, true, undefined],
    expected: /more than 0 and at most 10000 basis points \(100 %\)|whole basis points/,
  },
  {
    path: `${G}.targetValue`,
    set: (targetValue) => inputGoal({ targetValue }),
    taken: [1, SAFE],
    refused: [0, -1, SAFE + 1, ...NO_INTEGER, undefined],
    expected: /from 1 to 2\^53 - 1/,
  },
  {
    path: `${G}.currentValue`,
    set: (currentValue) => inputGoal({ currentValue }),
    taken: [0, SAFE],
    refused: [-1, SAFE + 1, ...NO_INTEGER],
    expected: /from 0 to 2\^53 - 1/,
  },
  {
    path: `${S}.filters[0].type`,
    set: (type) => scheme({ filters: [{ type }] }),
    taken: ['anon', 'active', 'young', 'unmapped'],
    refused: ['dirty', null, undefined],
    expected: /^`anon`, .*`target` or `probe_hits_wsum`$/,
  },
  {
    path: `${S}.filters[0].target`,
    set: (target) => scheme({ filters: [{ type: 'target', target }] }),
    taken: [0, U32],
    refused: [-1, U32 + 1, ...NO_INTEGER, undefined],
    expected: /from 0 to 4294967295/,
  },
  {
    path: `${S}.filters[0].memcg`,
    set: (memcg) => scheme({ filters: [{ type: 'memcg', memcg }] }),
    taken: ['/a', ''],
    refused: [...NO_TEXT, undefined],
    expected: /text/,
  },
  {
    path: `${S}.filters[0].szBytes.min`,
    set: (min) => scheme({ filters: [{ type: 'hugepage_size', szBytes: { min, max: 8_192 } }] }),
    taken: [0, 8_192],
    refused: [8_193, ...NO_SIZE],
    expected: /whole bytes|at most max \(8192\)/,
  },
  {
    path: `${S}.filters[0].range`,
    set: (range) => filter({ range }),
    taken: [{ start: 0, end: 1 }],
    refused: [...NO_OBJECT, undefined],
    expected: /an object/,
  },
  {
    path: `${S}.filters[0].range.end`,
    set: (end) => filterRange({ start: 4096, end }),
    taken: [4097],
    refused: [4096, 4095, ...NO_ADDRESS, undefined],
    expected: /above start|an address/,
  },
  {
    path: `${S}.filters[0].matching`,
    set: (matching) => filter({ matching }),
    taken: [true, false],
    refused: NO_BOOLEAN,
    expected: /true or false/,
  },
  {
    path: `${S}.filters[0].allow`,
    set: (allow) => filter({ allow }),
    taken: [true, false],
    refused: NO_BOOLEAN,
    expected: /true or false/,
  },
];

for (const { path, set, taken, refused, expected } of FIELDS) {
  test(`${path}, where ${expected.source} is expected, takes its limits and no more`, (t) => {
    for (const value of taken) t.notThrows(() => resolveOptions(set(value) as never), show(value));
    for (const value of refused) {
      const error = t.throws(
        () => resolveOptions(set(value) as never),
        { instanceOf: DamonError },
        show(value),
      );
      t.is(error?.code, 'ERR_DAMON_CONFIG', show(value));
      t.is(error?.path, path, show(value));
      t.regex(error?.expected ?? '', expected, show(value));
      t.is(error?.received, value, show(value));
    }
  });
}

function show(value: unknown): string {
  return `${typeof value} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
}

test('an unknown option is refused at every level, by its path and with the known ones', (t) => {
  const unknown = { typo: 1 };
  const levels: readonly [options: unknown, path: string, known: RegExp][] = [
    [{ source: SMALL, ...unknown }, 'typo', /source, operations, .*, seed/],
    [recording(unknown), 'source.typo', /path, nodes, regions/],
    [emulation(unknown), 'source.typo', /nodes, .*, workload, .*, sampler/],
    [workload(unknown), 'source.workload.typo', /hotShare/],
    [sampler(unknown), 'source.sampler.typo', /period/],
    [node(unknown), 'source.nodes[0].typo', /name/],
    [attrs(unknown), 'attrs.typo', /sampleUs, aggregationUs, .*, maxNrRegions/],
    [scheme(unknown), `${S}.typo`, /applyIntervalUs/],
    [pattern(unknown), `${S}.pattern.typo`, /szBytes, nrAccesses, age/],
    [pattern({ age: unknown }), `${S}.pattern.age.typo`, /min, max/],
    [quota(unknown), `${S}.quota.typo`, /resetIntervalMs/],
    [quota({ weights: unknown }), `${S}.quota.weights.typo`, /agePermil/],
    [nodeGoal(unknown), `${G}.typo`, /metric, nid, targetValue, complement$/],
    [tuned(unknown), 'attrs.intervalsGoal.typo', /accessBp, aggregations/],
    [marks(unknown), `${S}.watermarks.typo`, /midPermil/],
    [ofProcess(unknown), 'targets[0].typo', /tgid, regions, obsolete/],
    [
      destinations({ destinations: [{ nid: 0, weight: 1, ...unknown }] }),
      `${S}.destinations[0].typo`,
      /nid, weight/,
    ],
    [
      quota({ failCharge: { numerator: 1, denominator: 1, ...unknown } }),
      `${S}.quota.failCharge.typo`,
      /numerator, denominator/,
    ],
    [
      quota({ tuner: { name: 'a', step: () => 0, ...unknown } }),
      `${S}.quota.tuner.typo`,
      /name, step/,
    ],
    [
      goal({ metric: { name: 'a', measure: () => 0, ...unknown }, targetValue: 1 }),
      `${G}.metric.typo`,
      /name, measure/,
    ],
    [inputGoal({ nid: 0 }), `${G}.nid`, /metric, targetValue, currentValue$/],
    [filter(unknown), `${S}.filters[0].typo`, /matching/],
    [filterRange(unknown), `${S}.filters[0].range.typo`, /start, end/],
  ];
  for (const [options, path, known] of levels) {
    const error = t.throws(() => resolveOptions(options as never), { instanceOf: DamonError });
    t.is(error?.code, 'ERR_DAMON_CONFIG');
    t.is(error?.path, path);
    t.regex(error?.message ?? '', known);
  }
});

test('what is not options at all is refused as such', (t) => {
  for (const input of [undefined, null, 5, 'x']) {
    const error = t.throws(() => resolveOptions(input as never), { instanceOf: DamonError });
    t.is(error.path, 'options');
    t.is(error.expected, 'an object');
  }
  for (const source of [undefined, null, 5, 'emulation']) {
    const error = t.throws(() => resolveOptions({ source } as never), { instanceOf: DamonError });
    t.is(error.path, 'source');
    t.is(error.expected, 'a recording, an emulation or operations sets');
  }
});

test('what is left open gets the documented defaults', (t) => {
  const { source, schemes, ...rest } = resolveOptions({
    source: { ...SMALL, sampler: { type: 'ibs_op' } },
    schemes: [{ action: 'stat' }],
  });
  t.deepEqual(rest, {
    operations: 'paddr_ibs',
    addresses: 'physical',
    sampleFilters: [],
    probes: [],
    addrUnit: 1,
    attrs: ATTRS_DEFAULT,
    paused: false,
    unsupportedActions: 'refuse',
    everyMs: 1_000,
    laneSlots: 256,
    seed: 1,
    controlTimeoutMs: 10_000,
  });
  t.like(source, {
    workload: { hotBytes: 2 ** 26, hotShare: 1, storeShare: 0.3 },
    sampler: { generation: 'zen5', period: 262_144, counting: 'cycles', l3MissOnly: false },
  });
  t.like(schemes[0], {
    name: 'stat',
    applyIntervalUs: 0,
    pattern: { szBytes: { min: 0 }, nrAccesses: { min: 0 }, age: { min: 0 } },
    quota: {
      szBytes: 0,
      resetIntervalMs: 0,
      weights: { nrAccessesPermil: 0, agePermil: 0 },
      tuner: 'consist',
    },
  });
});

test('a metric that the operations set cannot measure is refused', (t) => {
  for (const operations of ['vaddr', 'fvaddr']) {
    const options = { ...(nodeGoal({}) as object), operations };
    const error = t.throws(() => resolveOptions(options as never), { instanceOf: DamonError });
    t.is(error.code, 'ERR_DAMON_CONFIG_METRIC');
    t.is(error.path, `${G}.metric`);
    t.regex(error.expected ?? '', new RegExp(`\`${operations}\``));
    t.regex(error.hint ?? '', /paddr_ibs/);
    t.notThrows(() => resolveOptions({ ...(inputGoal({}) as object), operations } as never));
  }
});

test('what only the source knows is refused when it is opened, by the same names', (t) => {
  const file = recordingOf(rows(2));
  const migrate = [{ action: 'migrate_hot', targetNid: 0 }];
  const refusals: readonly [options: unknown, code: string, path: string][] = [
    [nodeGoal({ nid: 2 }), 'ERR_DAMON_CONFIG_NODE', `${G}.nid`],
    [scheme({ action: 'migrate_cold', targetNid: 2 }), 'ERR_DAMON_CONFIG_ACTION', `${S}.targetNid`],
    [
      { ...recording({ path: file }), schemes: migrate },
      'ERR_DAMON_CONFIG_ACTION',
      `${S}.targetNid`,
    ],
    [
      { ...recording({ path: file }), operations: 'vaddr' },
      'ERR_DAMON_CONFIG_OPERATIONS',
      'operations',
    ],
    [emulation({ nodes: [] }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes'],
    [node({ end: '127 MiB' }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes[0]'],
    [node({ start: 4096 }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes[0]'],
    [node({ end: '8.125 TiB' }), 'ERR_DAMON_CONFIG_MACHINE', 'source.nodes[0]'],
    [workload({ bytes: '257 MiB' }), 'ERR_DAMON_CONFIG_MACHINE', 'source.workload.bytes'],
    [
      workload({ bytes: '129 MiB', interleave: [0, 1] }),
      'ERR_DAMON_CONFIG_MACHINE',
      'source.workload.bytes',
    ],
    [workload({ interleave: [1, 1, 1] }), 'ERR_DAMON_CONFIG_MACHINE', 'source.workload.interleave'],
  ];
  for (const [options, code, path] of refusals) {
    const error = t.throws(() => new Kdamond(options as never), { instanceOf: DamonError });
    t.is(error?.code, code);
    t.is(error?.path, path);
    t.truthy(error?.expected);
    t.truthy(error?.received);
    t.true(error?.message.startsWith(`Expected \`${path}\` to be ${error.expected}, got `));
  }
});

test('a workload that just fits is taken', (t) => {
  t.notThrows(() => new Kdamond(workload({ bytes: '256 MiB' }) as never).close());
  t.notThrows(() =>
    new Kdamond(workload({ bytes: '128 MiB', interleave: [0, 1] }) as never).close(),
  );
});

/** Expectations that a JSON Schema can say: types, words, and bounds that are numbers. */
const STRUCTURAL =
  /^(an integer from|an address|a share from|a list|a text|true or false|an object|`|whole \w+, or)/;

const schemaFile = JSON.parse(readFileSync('node-damon.schema.json', 'utf8')) as object;
const takes = new Ajv({ strict: true, allowUnionTypes: true }).compile(schemaFile);

/** Whether a file of JSON can say it. */
function isJson(value: unknown): boolean {
  const text = JSON.stringify({ value }, (_key, held: unknown) =>
    typeof held === 'bigint' ? undefined : held,
  );
  return isDeepStrictEqual(JSON.parse(text), { value });
}

test('the published schema takes what is taken and refuses what JSON Schema can refuse', (t) => {
  let refusals = 0;
  for (const { path, set, taken, refused } of FIELDS) {
    for (const options of taken.map(set).filter(isJson)) {
      t.true(takes(options), `${path}: ${JSON.stringify(options)}`);
    }
    for (const options of refused.map(set).filter(isJson)) {
      const error = t.throws(() => resolveOptions(options as never), { instanceOf: DamonError });
      const isRefused = !takes(options);
      if (isRefused) refusals += 1;
      // What compares fields, or what a text comes to, is `node-damon check`'s to refuse.
      const mustBe = STRUCTURAL.test(error.expected ?? '');
      t.true(isRefused || !mustBe, `${path}: ${JSON.stringify(options)}`);
    }
  }
  t.true(refusals > 400, `${refusals}`);
});
