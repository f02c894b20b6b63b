import test from 'ava';

import { DamonError } from '../../src/errors.ts';
import { resolveOptions } from '../../src/kdamond-options.ts';
import {
  type HoldSharesOptions,
  holdShares,
  sharesBp,
  sharesPhase,
} from '../../src/scheme/hold-shares.ts';
import { pullPush } from '../../src/scheme/pull-push.ts';
import { MIB, SMALL } from '../support/small.ts';

const NODES = [
  { id: 0, name: 'fast', start: 0, end: '128 MiB' },
  { id: 1, name: 'slow', start: '128 MiB', end: '256 MiB' },
] as const;
const THREE = [...NODES, { id: 2, start: '256 MiB', end: '384 MiB' }] as const;

test("two nodes under a kernel's tuner are the RFC's pair by another name", (t) => {
  const [fast, slow] = NODES;
  const pair = pullPush({ fast, slow, targetBp: 7_000 });
  const shares = holdShares({ nodes: NODES, weights: [7, 3], tuner: 'temporal' });
  t.deepEqual(
    shares,
    pair.map((scheme, i) => Object.assign(scheme, { name: ['slow to fast', 'fast to slow'][i] })),
  );
});

test('n nodes are n(n − 1) schemes, each from one node to one other', (t) => {
  const schemes = holdShares({ nodes: THREE, weights: [5, 3, 2] });
  t.deepEqual(
    schemes.map(({ name }) => name),
    [
      'slow to fast',
      'node 2 to fast',
      'fast to slow',
      'node 2 to slow',
      'fast to node 2',
      'slow to node 2',
    ],
  );
  t.deepEqual(
    schemes.map(({ targetNid }) => targetNid),
    [0, 0, 1, 1, 2, 2],
  );
  for (const { quota } of schemes) {
    t.deepEqual(
      quota?.goals?.map(({ targetValue }) => targetValue),
      [5_000, 3_000, 2_000],
    );
  }
});

test("with a kernel's tuner a scheme rests when its source has no surplus, too", (t) => {
  const [scheme] = holdShares({ nodes: THREE, weights: [5, 3, 2], tuner: 'temporal' });
  t.deepEqual(scheme?.quota?.goals, [
    { metric: 'node_eligible_mem_bp', nid: 0, targetValue: 5_000 },
    { metric: 'node_eligible_mem_bp', nid: 1, targetValue: 7_000, complement: true },
  ]);
});

test('with what each node holds, the same is said in the words of a kernel', (t) => {
  const quotas = (heldBytes: readonly number[], phase?: HoldSharesOptions['phase']) =>
    holdShares({
      nodes: NODES,
      weights: [7, 3],
      szBytes: 2 * MIB,
      heldBytes,
      ...(phase && { phase }),
    }).map(({ quota }) => [quota?.tuner, quota?.szBytes, quota?.goals]);
  const user = (currentValue: number) => [{ metric: 'user_input', targetValue: 1, currentValue }];
  const rests = ['temporal', 4096, user(1)];
  // 10 MiB, of which 7 belong on the first.
  t.deepEqual(quotas([6 * MIB, 4 * MIB]), [['temporal', MIB, user(0)], rests]);
  t.deepEqual(quotas([8 * MIB, 2 * MIB]), [rests, ['temporal', MIB, user(0)]]);
  t.deepEqual(quotas([0, 10 * MIB]), [['temporal', 2 * MIB, user(0)], rests], 'capped');
  t.deepEqual(quotas([7 * MIB, 3 * MIB]), [rests, rests]);
  t.deepEqual(quotas([6 * MIB, 4 * MIB], 'armed'), [rests, rests]);
});

test('user space rests, is armed and moves as the tuner does', (t) => {
  const phase = (first: number, before: Parameters<typeof sharesPhase>[1]) =>
    sharesPhase({ weights: [7, 3], heldBytes: [first, 10_000 - first] }, before);
  t.is(phase(7_000, 'resting'), 'resting');
  t.is(phase(7_050, 'resting'), 'armed');
  t.is(phase(7_050, 'armed'), 'moving');
  t.is(phase(6_000, 'resting'), 'moving');
  t.is(phase(7_004, 'moving'), 'resting');
});

test('weights become basis points that add up', (t) => {
  t.deepEqual(sharesBp([5, 3, 2]), [5_000, 3_000, 2_000]);
  t.deepEqual(sharesBp([1, 1, 1]), [3_334, 3_333, 3_333]);
  t.deepEqual(sharesBp([70.1, 29.9]), [7_010, 2_990]);
});

test('a monitor takes the schemes of every kind', (t) => {
  const shares = { nodes: NODES, weights: [1, 9_999] };
  for (const schemes of [
    holdShares(shares),
    holdShares({ ...shares, tuner: 'consist' }),
    holdShares({ ...shares, heldBytes: [0, MIB] }),
  ]) {
    t.is(resolveOptions({ source: SMALL, schemes }).schemes.length, 2);
  }
});

const WRONG: readonly [Partial<HoldSharesOptions>, string][] = [
  [{ nodes: NODES.slice(0, 1), weights: [1] }, 'nodes'],
  [{ nodes: [NODES[0], NODES[0]] }, 'nodes[1].id'],
  [{ weights: [1] }, 'weights'],
  [{ weights: [1, 0] }, 'weights[1]'],
  [{ weights: [NaN, 1] }, 'weights[0]'],
  [{ weights: [1, Infinity] }, 'weights[1]'],
  [{ weights: [1, 99_999] }, 'weights[0]'],
  [{ heldBytes: [1] }, 'heldBytes'],
  [{ heldBytes: [1, -1] }, 'heldBytes[1]'],
  [{ heldBytes: [0.5, 1] }, 'heldBytes[0]'],
];

test('what cannot be held is refused by name', (t) => {
  for (const [wrong, path] of WRONG) {
    const error = t.throws(() => holdShares({ nodes: NODES, weights: [7, 3], ...wrong }), {
      instanceOf: DamonError,
    });
    t.is(error?.code, 'ERR_DAMON_CONFIG_SHARES');
    t.is(error?.path, path);
  }
});
