import test from 'ava';

import { AdminTree } from '../../../src/admin/tree.ts';
import { FakeEngine } from '../fake-engine.ts';
import { Replay, readRecording } from './recording.ts';

test('while a command runs, files answer as those of Linux 6.12 did', async (t) => {
  const engine = new FakeEngine();
  engine.operations = ['vaddr', 'fvaddr', 'paddr'];
  const tree = new AdminTree(engine);
  const replay = new Replay(tree, 1, async () => undefined);
  let open = (): void => undefined;
  let running: Promise<string | undefined> = Promise.resolve(undefined);
  for (const { line, command, answer } of readRecording('locked.txt')) {
    if (command.endsWith(' &')) {
      engine.kdamond.gate = new Promise((resolve) => (open = resolve));
      running = replay.answer(command.slice(0, -' &'.length));
    } else if (command === 'wait') {
      open();
      t.is(await running, 'ok');
    } else {
      t.is(await replay.answer(command), answer, `${line}: ${command}`);
    }
  }
  await tree.close();
});
