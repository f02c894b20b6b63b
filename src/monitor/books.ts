/** The books of a monitor: every counter, and the equations that hold when nothing is lost uncounted. */
import type {
  LiveBooks,
  MonitorBooks,
  QuestionBooks,
  RowBooks,
  SchemeBooks,
  SourceBooks,
} from '../../native/binding.cjs';
import type {
  LiveCounters,
  MonitorCounters,
  QuestionCounters,
  RowCounters,
  SchemeCounters,
} from '../report/counters.ts';
import type { Books, Equation } from '../report/record.ts';
import type { Scheme } from '../scheme/scheme.ts';

const LANES_AND_DRAIN: readonly Equation[] = [
  {
    name: 'every report offered was queued or dropped by cause',
    left: ['lanes.offered'],
    right: ['lanes.queued', 'lanes.droppedFull', 'lanes.droppedNested', 'lanes.droppedClosed'],
  },
  {
    name: 'every report queued was drained or still waits',
    left: ['lanes.queued'],
    right: ['lanes.drained', 'lanes.pending'],
  },
  {
    name: 'every report that left a lane reached the drain',
    left: ['lanes.drained'],
    right: ['drain.drained'],
  },
  {
    name: 'every report drained was credited or missed by cause',
    left: ['drain.drained'],
    right: [
      'drain.credited',
      'drain.stale',
      'drain.filtered',
      'drain.wrongKind',
      'drain.noTarget',
      'drain.noRegion',
      'drain.straddling',
    ],
  },
];

const RECORDING: readonly Equation[] = [
  {
    name: 'every row read was accepted or refused by cause',
    left: ['rows.read'],
    right: [
      'rows.accepted',
      'rows.malformed',
      'rows.timeBackwards',
      'rows.timeGap',
      'rows.cpuBeyondLanes',
      'rows.addressOutOfRange',
    ],
  },
];

const EMULATION: readonly Equation[] = [
  {
    name: 'all that the sampler selected was discarded, lost or shown',
    left: ['sampler.selected'],
    right: ['sampler.discarded', 'sampler.lost', 'sampler.samplesTotal'],
  },
  {
    name: 'every sample shown was filtered or reported',
    left: ['sampler.samplesTotal'],
    right: ['sampler.samplesFiltered', 'sampler.reported'],
  },
];

const TO_THE_MONITOR: readonly Equation[] = [
  {
    name: 'every sample reported was offered to a lane',
    left: ['sampler.reported'],
    right: ['lanes.offered'],
  },
];

const TO_THE_POLICY: readonly Equation[] = [
  {
    name: 'every sample reported was offered to the policy',
    left: ['sampler.reported'],
    right: ['policy.offered'],
  },
  {
    name: 'every report to the policy was dropped, waits, or was taken',
    left: ['policy.offered'],
    right: ['policy.dropped', 'policy.pending', 'policy.reports'],
  },
  {
    name: 'every report taken was about the slow node, or not',
    left: ['policy.reports'],
    right: ['policy.noted', 'policy.elsewhere'],
  },
  {
    name: 'every page the policy wanted elsewhere moved or stayed',
    left: ['policy.wantedPages'],
    right: ['policy.movedPages', 'policy.keptPages'],
  },
  {
    name: 'every page that moved up or down was wanted, or made room',
    left: ['policy.promotedPages', 'policy.demotedPages'],
    right: ['policy.movedPages', 'policy.reclaimedPages'],
  },
];

const MACHINE: readonly Equation[] = [
  {
    name: 'every page to be migrated was, was there, or stayed by cause',
    left: ['machine.askedPages'],
    right: [
      'machine.migratedPages',
      'machine.therePages',
      'machine.busyPages',
      'machine.fullPages',
      'machine.nowherePages',
    ],
  },
  {
    name: 'every page paged out returned or is out',
    left: ['machine.pagedOutPages'],
    right: ['machine.returnedPages', 'machine.outPages'],
  },
];

const QUESTIONS: readonly Equation[] = [
  {
    name: 'every question was answered, or not by cause',
    left: ['questions.asked'],
    right: [
      'questions.answered',
      'questions.threw',
      'questions.malformed',
      'questions.late',
      'questions.abandoned',
    ],
  },
];

const SOURCES: readonly Equation[] = [
  {
    name: 'every sample shown was served by something',
    left: ['sampler.samplesTotal'],
    right: [
      'sources.none',
      'sources.l1',
      'sources.l2',
      'sources.l3',
      'sources.memory',
      'sources.store',
    ],
  },
];

const LIVE: readonly Equation[] = [
  {
    name: 'every snapshot was read, dropped or still waits',
    left: ['snapshots.offered'],
    right: ['snapshots.taken', 'snapshots.dropped', 'snapshots.waiting'],
  },
];

/** Names the addon's counters and says what must balance. */
export function toBooks(books: MonitorBooks, schemes: readonly Scheme[]): Books<MonitorCounters> {
  const { rows, sampler, sources, accessChecks, machine, policy } = books;
  const { lateness, questions, lanes, drain } = books;
  return {
    counters: {
      ...(rows && { rows: rowCounters(rows) }),
      ...(sampler && { sampler: { ...sampler } }),
      ...(sources && { sources: sourceCounters(sources) }),
      ...(accessChecks && { accessChecks: { ...accessChecks } }),
      ...(machine && { machine: { ...machine } }),
      ...(policy && { policy: { ...policy } }),
      ...(lateness && { lateness: { ...lateness } }),
      ...(questions && questionCounters(questions)),
      lanes: { ...lanes },
      drain: { ...drain },
      schemes: schemeCounters(books.schemes, schemes),
    },
    equations: [
      ...(rows ? RECORDING : []),
      ...(sampler ? EMULATION : []),
      ...(sampler ? (policy ? TO_THE_POLICY : TO_THE_MONITOR) : []),
      ...(sources ? SOURCES : []),
      ...(machine ? MACHINE : []),
      ...(questions ? QUESTIONS : []),
      ...LANES_AND_DRAIN,
    ],
  };
}

/** {@link toBooks} of a live monitor. */
export function toLiveBooks(books: LiveBooks, schemes: readonly Scheme[]): Books<LiveCounters> {
  const { monitor, intervals, snapshots } = books;
  const { counters, equations } = toBooks(monitor, schemes);
  const { observed, unobserved, lateMaxNs, lateNsByPowerOfTwo } = intervals;
  const late = {
    lateP50Ns: lateQuantileNs(lateNsByPowerOfTwo, 0.5, lateMaxNs),
    lateP99Ns: lateQuantileNs(lateNsByPowerOfTwo, 0.99, lateMaxNs),
    lateMaxNs,
  };
  const { lanes, drain, schemes: byScheme } = counters;
  return {
    counters: {
      lanes,
      drain,
      intervals: { observed, unobserved, ...late },
      snapshots: { ...snapshots },
      schemes: byScheme,
    },
    equations: [...equations, ...LIVE],
  };
}

/**
 * A quantile of a histogram by powers of two: the smallest bound that at least that share of the
 * wake-ups stayed below. Up to twice the true value, never less, and never more than the latest.
 *
 * @param buckets `buckets[n]` counts what took 2^n up to 2^(n + 1) nanoseconds
 */
export function lateQuantileNs(buckets: readonly number[], share: number, maxNs: number): number {
  const wanted = share * buckets.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [n, count] of buckets.entries()) {
    below += count;
    if (count > 0 && below >= wanted) return Math.min(2 ** (n + 1), maxNs);
  }
  return 0;
}

/** The rows only: how far the file is read belongs to progress. */
function rowCounters({ bytesRead: _read, bytesTotal: _total, ...counters }: RowBooks): RowCounters {
  return counters;
}

/** What became of questions, and of the intervals they were about. */
function questionCounters({ unobserved, ...questions }: QuestionBooks): {
  questions: QuestionCounters;
  intervals: { unobserved: number };
} {
  return { questions, intervals: { unobserved } };
}

/** Of memory as a whole, then of each node. */
function sourceCounters({ memory, ...counters }: SourceBooks): Record<string, number> {
  const nodes = memory.map((samples, nid) => [`memoryOfNode${nid}`, samples]);
  const sum = memory.reduce((total, samples) => total + samples, 0);
  return { ...counters, memory: sum, ...Object.fromEntries(nodes) };
}

function schemeCounters(
  books: readonly SchemeBooks[],
  schemes: readonly Scheme[],
): Record<string, SchemeCounters> {
  return Object.fromEntries(
    books.map((counters, i) => [
      `${i} ${schemes[i]?.name ?? ''}`.replaceAll('.', ' '),
      { ...counters },
    ]),
  );
}
