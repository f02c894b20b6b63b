import test from 'ava';

import { KdamondEngine } from '../../../src/admin/engine/kdamond-engine.ts';
import { AdminTree } from '../../../src/admin/tree.ts';
import { SMALL } from '../../support/small.ts';
import { FakeEngine } from '../fake-engine.ts';
import { type Recorded, Replay, readRecording } from './recording.ts';

/** Answers that differ from those of Linux 6.12, and why. */
interface Difference {
  readonly why: string;
  readonly command: RegExp;
  readonly kernel: RegExp;
  readonly ours: RegExp;
  /** Only there. */
  readonly title?: RegExp;
  /** What the kernel's `state` was next. */
  readonly state?: 'off';
}

const ABSENT = /^(?:ENOENT|EACCES)$/;
const ANY = /^/;
const INVALID = /^EINVAL$/;
const OK = /^ok$/;

const DIFFERENCES: readonly Difference[] = [
  {
    why: 'files that came after 6.12',
    command: new RegExp(
      [
        'K/refresh_ms$',
        'C/(?:addr_unit|pause)$',
        '/intervals_goal/',
        '/probes/',
        '/sample/',
        '/obsolete_target$',
        '/(?:goal_tuner|fail_charge_num|fail_charge_denom)$',
        '/(?:core_filters|ops_filters|dests)/',
        '/stats/(?:sz_ops_filter_passed|nr_snapshots|max_nr_snapshots)$',
        '/goals/0/(?:nid|path)$',
        '/filters/0/(?:allow|min|max)$',
      ].join('|'),
    ),
    kernel: ABSENT,
    ours: ANY,
  },
  {
    why: 'words that came after 6.12',
    command:
      /^echo (?:paddr_ibs|collapse|active|hugepage_size|unmapped|probe_hits_wsum|(?:node|active|inactive|hugepage)_\w+_bp) > /,
    kernel: INVALID,
    ours: OK,
  },
  {
    why: 'paddr_ibs came after 6.12',
    command: /avail_operations$/,
    kernel: /^vaddr\|fvaddr\|paddr$/,
    ours: /^vaddr\|fvaddr\|paddr\|paddr_ibs$/,
  },
  {
    why: 'update_tuned_intervals came after 6.12',
    command: /^echo update_tuned_intervals > /,
    kernel: INVALID,
    ours: /^(?:ok|ECANCELED)$/,
  },
  {
    why: 'to stop what has stopped is no error any more (damon-core.md 13)',
    command: /^echo off > /,
    kernel: /^EPERM$/,
    ours: OK,
  },
  {
    why: 'what has stopped answers that it has (damon-core.md 13)',
    command: /^echo (?:commit|update)\w* > /,
    kernel: INVALID,
    ours: /^ECANCELED$/,
  },
  {
    why: 'clearing needs no monitor any more (damon-core.md 8.2)',
    command: /^echo clear_schemes_tried_regions > /,
    kernel: INVALID,
    ours: OK,
  },
  {
    why: 'addresses of filters are looked at by the core since (damon-core.md 13)',
    command: /^echo (?:on|commit) > /,
    kernel: /^ENOMEM$/,
    ours: INVALID,
  },
  {
    why: 'a commit that fails is told, and changes nothing (damon-core.md 13); 6.12 ended for it',
    command: /^echo commit > /,
    kernel: OK,
    ours: /^(?:EINVAL|ENOMEM)$/,
    state: 'off',
  },
  {
    why: 'a walk is cancelled while watermarks hold every scheme back (damon-core.md 5.10)',
    command: /^echo update_schemes_tried_\w+ > /,
    kernel: OK,
    ours: /^ECANCELED$/,
    title: /hold back|[Hh]eld back by|Between which it acts/,
  },
  { why: 'the number of the process', command: /pid$/, kernel: /^\d+$/, ours: /^\d+$/ },
];

/** What a command is about. */
function pathOf(command: string): string {
  return command.slice(command.lastIndexOf(' ') + 1);
}

function differenceOf(
  { command, answer = '', title }: Recorded,
  ours: string,
  later: readonly Recorded[],
): Difference | undefined {
  const next = later.find((recorded) => recorded.command === 'cat $K/state')?.answer;
  return DIFFERENCES.find(
    (known) =>
      known.command.test(command) &&
      known.kernel.test(answer) &&
      known.ours.test(ours) &&
      (known.title?.test(title) ?? true) &&
      (known.state === undefined || known.state === next),
  );
}

/** Replays a recording; what differs by none of the differences is told. */
async function compare(name: string): Promise<{ met: Set<Difference>; unknown: string[] }> {
  const engine = new KdamondEngine({ source: SMALL, speed: 0 });
  const tree = new AdminTree(engine);
  const replay = new Replay(tree, 1, (ms) => engine.step(ms));
  const recording = readRecording(name);
  const unknown: string[] = [];
  const met = new Set<Difference>();
  /** Files that hold something else, as one of the two took what the other refused. */
  const apart = new Set<string>();
  for (const [index, recorded] of recording.entries()) {
    const { line, command, answer, title } = recorded;
    const ours = await replay.answer(command);
    const path = pathOf(command);
    const isRead = command.startsWith('cat ');
    if (ours === answer) {
      if (!isRead && answer === 'ok') apart.delete(path);
      continue;
    }
    if (isRead && apart.has(path)) continue;
    const difference = differenceOf(recorded, `${ours}`, recording.slice(index));
    if (difference !== undefined) met.add(difference);
    else unknown.push(`${line} (${title}): ${command}: ${answer}, not ${ours}`);
    if (!isRead) apart.add(path);
  }
  await tree.close();
  return { met, unknown };
}

test('every file and command answers as in Linux 6.12, but for named differences', async (t) => {
  const answers = await compare('answers.txt');
  t.deepEqual(answers.unknown, []);
  const watermarks = await compare('watermarks.txt');
  t.deepEqual(watermarks.unknown, []);
  const met = new Set([...answers.met, ...watermarks.met]);
  const unmet = DIFFERENCES.filter((difference) => !met.has(difference));
  const stale = unmet.map(({ why }) => why);
  t.deepEqual(stale, [], 'differences that are none');
});

/** What has a directory, or a name, that came after 6.12: one try for all of it is enough. */
const LATER = new Set(['probes', 'sample', 'core_filters', 'ops_filters', 'dests']);
/** One of everything. */
const COUNTS = new Set([
  'kdamonds',
  'contexts',
  'targets',
  'regions',
  'schemes',
  'goals',
  'filters',
]);

test('the recording reads every file', async (t) => {
  const tree = new AdminTree(new FakeEngine());
  const replay = new Replay(tree, 1, async () => undefined);
  const files: string[] = [];
  const walk = async (dir: string): Promise<void> => {
    for (const name of tree.list(dir)) {
      const path = `${dir}/${name}`;
      if (COUNTS.has(name)) await tree.write(`${path}/nr_${name}`, '1');
      if (tree.stat(path)?.type === 'file') files.push(path.slice(1));
      else if (!LATER.has(name)) await walk(path);
    }
  };
  await walk('');
  const tried = new Set<string>();
  for (const { command } of readRecording('answers.txt')) {
    if (command.startsWith('cat ')) tried.add(await replay.expand(pathOf(command)));
    else if (/^\w+=/.test(command)) await replay.answer(command);
  }
  t.deepEqual(
    files.filter((path) => !tried.has(path)),
    [],
  );
});
