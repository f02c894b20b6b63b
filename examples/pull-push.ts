// What pull-push.yaml says, as a module: `node-damon run examples/pull-push.ts --explain`, where Node
// reads TypeScript (from 22.18 on). Only here can a goal's metric or a tuner be a function of yours.
import { RFC_MACHINE, defineConfig, pullPush } from 'node-damon';

export default defineConfig({
  source: RFC_MACHINE,
  everyMs: '10 s',
  schemes: pullPush({
    fast: { id: 0, start: 0, end: '128 GiB' },
    slow: { id: 1, start: '128 GiB', end: '256 GiB' },
    targetBp: 7_000,
  }),
  untilMs: '2 min',
  changes: [
    {
      atMs: '1 min',
      setGoals: [
        { scheme: 'PULL', targetValue: '90 %' },
        { scheme: 'PUSH', targetValue: '10 %' },
      ],
    },
  ],
});
