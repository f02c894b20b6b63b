/** The RFC's set-up, as a shell script for the kernel's tree, over its machine. */
import { readFileSync } from 'node:fs';

import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { replayScript } from '../../../src/admin/script.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { Kdamond, RFC_MACHINE, pullPush } from '../../../src/index.ts';

const GIB = 2n ** 30n;
/** What the script sleeps. */
const SECONDS = 30;

test('PULL and PUSH hold 70 % of hot memory on DRAM, as the same monitor without files does', async (t) => {
  const engine = new KdamondEngine({ source: RFC_MACHINE, speed: 0 });
  const tree = new AdminTree(engine);
  const script = readFileSync('examples/pull-push.sh', 'utf8');
  const shown: bigint[] = [];
  const sleep = (ms: number): Promise<void> => engine.step(ms);
  for await (const { output, error } of replayScript(tree, script, { sleep })) {
    t.is(error, undefined);
    if (output !== undefined) shown.push(BigInt(output));
  }

  const share: number[] = [];
  using kdamond = new Kdamond({
    source: RFC_MACHINE,
    targets: [
      {
        regions: [
          { start: 0, end: '128 GiB' },
          { start: '128 GiB', end: '256 GiB' },
        ],
      },
    ],
    schemes: pullPush({
      fast: { id: 0, start: 0, end: '128 GiB' },
      slow: { id: 1, start: '128 GiB', end: '256 GiB' },
      targetBp: 7_000,
    }),
  });
  await kdamond.run({
    untilMs: SECONDS * 1_000,
    onTuning: ({ scheme: index, goals }) => {
      if (index === 0) share.push((goals[0]?.currentValue ?? NaN) / 100);
    },
  });
  const schemes = kdamond.books.counters['schemes'] as Record<string, { szApplied: number }>;
  t.deepEqual(
    shown,
    Object.values(schemes).map(({ szApplied }) => BigInt(szApplied)),
  );

  // Half of 32 GiB was on DRAM: what was pulled less what was pushed makes 70 % of it.
  const [pulled = 0n, pushed = 0n] = shown;
  const onDram = 16n * GIB + pulled - pushed;
  t.assert(Math.abs(Number(onDram * 10_000n) / Number(32n * GIB) - 7_000) < 200, `${onDram}`);
  t.assert(Math.abs((share.at(-1) ?? NaN) - 70) < 2);
  await tree.close();
});
