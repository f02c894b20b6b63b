import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { SMALL } from '../../support/small.ts';
import { type Recorded, Replay, readRecording } from './recording.ts';

/** An aggregation: what is due happens once in it. */
const ROUND_MS = 100;
/** How far ahead the kernel may be: a quota of some bytes stays what it is for many windows. */
const ROUNDS_MAX = 100;
/** What is monitored in the recording. */
const REGIONS_BYTES = 0x8000000n - 0x1000000n;

/**
 * Which window the kernel was in when it was looked at is up to its scheduler: ours goes on until
 * it is there too, and every number has to be the same there.
 */
test('quotas go through the numbers that those of Linux 6.12 went through', async (t) => {
  const engine = new KdamondEngine({ source: SMALL, speed: 0 });
  const tree = new AdminTree(engine);
  const replay = new Replay(tree, 1, async () => undefined);
  let update = '';
  const goOn = async ({ command, answer }: Recorded): Promise<void> => {
    for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
      if ((await replay.answer(command)) === answer) return;
      await engine.step(ROUND_MS);
      await replay.answer(update);
    }
  };
  let unlimited: bigint | undefined;
  const recording = readRecording('quotas.txt');
  for (const [index, recorded] of recording.entries()) {
    const { line, command, answer, title } = recorded;
    if (command.startsWith('echo update')) update = command;
    if (command.startsWith('cat ') && !command.endsWith('/sz_tried')) await goOn(recorded);
    if (command.startsWith('echo commit')) {
      // A goal that is met holds the quota where it is: first to the window in which that was.
      const next = recording.slice(index).find((later) => later.command.startsWith('cat '));
      if (next !== undefined) await goOn(next);
    }
    let ours = await replay.answer(command);
    if (command.endsWith('/sz_tried')) {
      if (ours === '0') {
        // No window was full there either, but one had begun.
        await engine.step(ROUND_MS);
        await replay.answer(update);
        ours = await replay.answer(command);
      }
      // In 6.12 nothing limits the first window: all that is monitored is tried in each round.
      unlimited ??= BigInt(`${answer}`) - BigInt(`${ours}`);
      t.is(unlimited % REGIONS_BYTES, 0n);
      ours = `${BigInt(`${ours}`) + unlimited}`;
    }
    t.is(ours, answer, `${line} (${title}): ${command}`);
  }
  t.not(unlimited, undefined);
  await tree.close();
});
