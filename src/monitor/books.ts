/** The books of a monitor: every counter, and the equations that hold when nothing is lost uncounted. */
import type { MonitorBooks, RowBooks, SchemeBooks } from '../../native/binding.cjs';
import type { Books, Counters, Equation } from '../report/record.ts';
import type { Scheme } from '../scheme/scheme.ts';

const LANES_AND_DRAIN: readonly Equation[] = [
  {
    name: 'every report offered was queued or dropped by cause',
    left: ['lanes.offered'],
    right: ['lanes.queued', 'lanes.droppedFull', 'lanes.droppedNested'],
  },
  {
    name: 'every report queued was drained or still waits',
    left: ['lanes.queued'],
    right: ['drain.drained', 'lanes.pending'],
  },
  {
    name: 'every report drained was credited or missed by cause',
    left: ['drain.drained'],
    right: [
      'drain.credited',
      'drain.stale',
      'drain.wrongKind',
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
    name: 'every op tagged was filtered or reported',
    left: ['sampler.samplesTotal'],
    right: ['sampler.samplesFiltered', 'sampler.reported'],
  },
  {
    name: 'every sample reported was offered to a lane',
    left: ['sampler.reported'],
    right: ['lanes.offered'],
  },
];

/** Names the addon's counters and says what must balance. */
export function toBooks(books: MonitorBooks, schemes: readonly Scheme[]): Books {
  const { rows, sampler, lanes, drain } = books;
  return {
    counters: {
      ...(rows && { rows: rowCounters(rows) }),
      ...(sampler && { sampler: { ...sampler } }),
      lanes: { ...lanes },
      drain: { ...drain },
      schemes: schemeCounters(books.schemes, schemes),
    },
    equations: [...(rows ? RECORDING : []), ...(sampler ? EMULATION : []), ...LANES_AND_DRAIN],
  };
}

/** The rows only: how far the file is read belongs to progress. */
function rowCounters({ bytesRead: _read, bytesTotal: _total, ...counters }: RowBooks): Counters {
  return counters;
}

function schemeCounters(books: readonly SchemeBooks[], schemes: readonly Scheme[]): Counters {
  return Object.fromEntries(
    books.map((counters, i) => [
      `${i} ${schemes[i]?.name ?? ''}`.replaceAll('.', ' '),
      { ...counters },
    ]),
  );
}
