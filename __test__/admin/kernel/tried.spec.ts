import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { SMALL } from '../../support/small.ts';
import { Replay, readRecording } from './recording.ts';

test('schemes try as many bytes as those of Linux 6.12 did', async (t) => {
  const engine = new KdamondEngine({ source: SMALL, speed: 0 });
  const tree = new AdminTree(engine);
  const replay = new Replay(tree, 1, (ms) => engine.step(ms));
  const wrong: string[] = [];
  for (const { line, command, answer, title } of readRecording('tried.txt')) {
    const ours = await replay.answer(command);
    if (ours !== answer) wrong.push(`${line} (${title}): ${command}: ${answer}, not ${ours}`);
  }
  t.deepEqual(wrong, []);
  await tree.close();
});
