/**
 * Where and when memory was accessed: a time × address matrix that never grows.
 *
 * Both axes work the same way. Time is cut into columns and memory into rows of one width each;
 * when an axis is full its width doubles and neighbours are added up pairwise, so any number of
 * snapshots fits and every hit stays in the sum. Rows exist only for memory that was monitored, so
 * a hole between two nodes costs nothing, and memory that turns up later gets its rows then.
 *
 * Hits are handed to cells in units of 2^-20, which makes their sums exact: whole hits in, the same
 * whole hits out, to the bit, up to 2^33 of them.
 *
 * Cost of a snapshot: O(regions + rows); of a doubling: O(rows · columns).
 * Not here: colours and labels (see `palette.ts`, `terminal.ts`, `html.ts`).
 */

import { refuse } from '../errors.ts';
import { MIB } from './format.ts';
import { item } from './item.ts';
import { Matrix } from './matrix.ts';
import { type Snapshot, checkOneSpace } from './snapshot.ts';

/** Limits of a {@link Heatmap}, which takes 16 bytes · `columns` · `rows`. */
export interface HeatmapOptions {
  /** Most columns (time). Minimum: 2. @default 512 */
  readonly columns?: number;
  /** Most rows (address). Minimum: 2. @default 512 */
  readonly rows?: number;
}

/** The size at which to read a {@link Heatmap}. */
export interface HeatmapReadOptions {
  /** Most columns of the grid. Minimum: 1. @default what is stored */
  readonly columns?: number;
  /** Most rows of the grid. Minimum: 1. @default what is stored */
  readonly rows?: number;
  /** Addresses that no row may straddle while there are rows enough, such as the starts of nodes. */
  readonly cuts?: readonly bigint[];
}

/** A heatmap at some size. Row 0 has the lowest addresses, column 0 is the earliest time. */
export interface HeatmapGrid {
  readonly columns: number;
  readonly rows: number;
  /** When the columns begin, and the last one ends: `columns + 1` times on the monitor's clock. */
  readonly edgesNs: readonly bigint[];
  /** First monitored address of each row. */
  readonly rowStarts: BigUint64Array;
  /** First address after each row. */
  readonly rowEnds: BigUint64Array;
  /** Rows below which (towards address 0) memory is not monitored, ascending; never row 0. */
  readonly breaks: readonly number[];
  /** Hits by `row * columns + column`. */
  readonly hits: Float64Array;
  /** Hits per second per MiB in the same order; `NaN` where nothing was monitored. */
  readonly rates: Float64Array;
}

/** The smallest row, log2 of its bytes: a page. */
const PAGE_SHIFT = 12;

/** Hits are split in units of one over this. */
const HIT_UNITS = 2 ** 20;

/** A snapshot's regions, as numbers. */
interface Memory {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

/** Rows `first..last` (both included), as multiples of the row width. */
interface Run {
  readonly first: number;
  readonly last: number;
}

/**
 * Collects snapshots into a time × address matrix of bounded size.
 *
 * @example
 * ```ts
 * import { Heatmap, Kdamond } from 'node-damon';
 *
 * using kdamond = new Kdamond({ source: { type: 'recording', path: 'redis.samples.csv.zst' } });
 * const heatmap = new Heatmap();
 * for await (const snapshot of kdamond.snapshots()) heatmap.add(snapshot);
 * const { rows, columns, rates } = heatmap.read({ rows: 40, columns: 100 });
 * console.log(rows, columns, rates.length);
 * ```
 */
export class Heatmap {
  readonly maxColumns: number;
  readonly maxRows: number;

  readonly #hits: Matrix;
  /** MiB · seconds monitored: what hits must be divided by. */
  readonly #exposure: Matrix;

  /** Rows in use: which multiple of the row width each is, ascending. */
  #keys: number[] = [];
  /** First and last monitored address + 1 of each row; exact for whole pages, or below 2^53. */
  #los: number[] = [];
  #his: number[] = [];
  #rowBytes: number = 2 ** PAGE_SHIFT;

  /** Start of column 0; unset before the first snapshot. */
  #originNs: bigint | undefined;
  /** Width of a column. */
  #columnNs = 0;
  /** End of the latest snapshot, from the origin. */
  #spanNs = 0;
  #snapshots = 0;
  #totalHits = 0;

  constructor({ columns = 512, rows = 512 }: HeatmapOptions = {}) {
    this.maxColumns = atLeast('columns', columns, 2);
    this.maxRows = atLeast('rows', rows, 2);
    this.#hits = new Matrix(columns, rows);
    this.#exposure = new Matrix(columns, rows);
  }

  /** Columns in use. */
  get columns(): number {
    return this.#columnNs === 0 ? 0 : Math.max(1, Math.ceil(this.#spanNs / this.#columnNs));
  }

  /** Rows in use. */
  get rows(): number {
    return this.#keys.length;
  }

  /** Snapshots added so far. */
  get snapshots(): number {
    return this.#snapshots;
  }

  /** Hits of all snapshots; the sum over the cells. */
  get totalHits(): number {
    return this.#totalHits;
  }

  /** Start of the first snapshot's interval; 0 before there is one. */
  get startNs(): bigint {
    return this.#originNs ?? 0n;
  }

  /** End of the latest snapshot's interval; 0 before there is one. */
  get endNs(): bigint {
    return this.startNs + BigInt(this.#spanNs);
  }

  /**
   * Adds the hits of a snapshot, spread evenly over its interval and over each region.
   * @throws DamonError `ERR_DAMON_HEATMAP_TIME` when its interval starts before the first one's;
   *   `ERR_DAMON_SNAPSHOT_TARGET` when it has several processes.
   */
  add(snapshot: Snapshot): void {
    checkOneSpace(snapshot);
    const startNs = snapshot.timeNs - snapshot.intervalNs;
    this.#originNs ??= startNs;
    if (startNs < this.#originNs) {
      throw refuse({
        code: 'ERR_DAMON_HEATMAP_TIME',
        path: 'snapshot.timeNs - snapshot.intervalNs',
        expected: `at least ${this.#originNs}, where the heatmap starts`,
        received: startNs,
      });
    }
    const from = Number(startNs - this.#originNs);
    const to = Number(snapshot.timeNs - this.#originNs);
    this.#coverTime(to, Number(snapshot.intervalNs || snapshot.aggregationNs) || 1);
    const { starts, ends } = snapshot;
    // Once, and as numbers: everything below is arithmetic on every region.
    const memory = {
      starts: Float64Array.from(starts, Number),
      ends: Float64Array.from(ends, Number),
    };
    this.#coverMemory(memory);
    this.#accumulate(memory, snapshot.hits, from, to);
    this.#snapshots += 1;
  }

  /**
   * The matrix at a size of at most `rows` × `columns`, with every hit in it: a cell of the grid is
   * the sum of whole cells of the matrix. Each stretch of contiguous memory has rows of its own
   * while there are enough of them; beyond that the narrowest holes are closed first.
   */
  read(options: HeatmapReadOptions = {}): HeatmapGrid {
    const { columns: columnsMax = this.maxColumns, rows: rowsMax = this.maxRows } = options;
    const columns = Math.min(atLeast('columns', columnsMax, 1), this.columns);
    const columnEdges = evenEdges(this.columns, columns);
    const rowLimit = Math.min(atLeast('rows', rowsMax, 1), this.rows);
    const rowEdges = this.#rowEdges(rowLimit, options.cuts ?? []);
    const rows = rowEdges.length - 1;

    const hits = new Float64Array(rows * columns);
    const rates = new Float64Array(rows * columns);
    for (let i = 0; i < hits.length; i++) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const [left, right] = [item(columnEdges, column), item(columnEdges, column + 1)];
      const [top, bottom] = [item(rowEdges, row), item(rowEdges, row + 1)];
      const count = this.#hits.sum(left, right, top, bottom);
      const exposure = this.#exposure.sum(left, right, top, bottom);
      hits[i] = count;
      rates[i] = exposure > 0 ? count / exposure : NaN;
    }
    return {
      columns,
      rows,
      edgesNs: columnEdges.map((x) => this.#columnStartNs(x)),
      rowStarts: BigUint64Array.from(rowEdges.slice(0, -1), (y) => BigInt(item(this.#los, y))),
      rowEnds: BigUint64Array.from(rowEdges.slice(1), (y) => BigInt(item(this.#his, y - 1))),
      breaks: rowEdges.flatMap((y, row) =>
        0 < row && row < rows && this.#gap(y) > 0 ? [row] : [],
      ),
      hits,
      rates,
    };
  }

  /** Makes room for time up to `to`, adding columns up pairwise while there are too many. */
  #coverTime(to: number, firstWidth: number): void {
    if (this.#columnNs === 0) this.#columnNs = firstWidth;
    this.#spanNs = Math.max(this.#spanNs, to);
    while (this.columns > this.maxColumns) {
      this.#columnNs *= 2;
      this.#hits.foldColumns();
      this.#exposure.foldColumns();
    }
  }

  /** Makes room for the regions, adding rows up pairwise while there are too many. */
  #coverMemory(memory: Memory): void {
    if (this.#covers(memory)) return;
    let rowBytes = this.#rowBytes;
    let runs = union([
      ...this.#keys.map((key) => ({ first: key, last: key })),
      ...this.#runs(memory),
    ]);
    while (rowCount(runs) > this.maxRows) {
      rowBytes *= 2;
      runs = union(runs.map(({ first, last }) => ({ first: half(first), last: half(last) })));
    }
    this.#rebuild(rowBytes, runs);
  }

  /** Whether every region finds its rows. */
  #covers({ starts, ends }: Memory): boolean {
    const keys = this.#keys;
    const rowBytes = this.#rowBytes;
    let row = 0;
    for (let i = 0; i < starts.length; i++) {
      const { first, last } = runOf(starts[i] ?? 0, ends[i] ?? 0, rowBytes);
      while (row < keys.length && (keys[row] ?? 0) < first) row += 1;
      if (keys[row] !== first || keys[row + last - first] !== last) return false;
    }
    return true;
  }

  /** The rows each region needs, ascending. */
  #runs({ starts, ends }: Memory): Run[] {
    return Array.from(starts, (start, i) => runOf(start, item(ends, i), this.#rowBytes));
  }

  /** Moves everything to rows of another width, at the given places. */
  #rebuild(rowBytes: number, runs: readonly Run[]): void {
    const keys = runs.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    );
    const los = keys.map(() => Infinity);
    const his = keys.map(() => 0);
    const ratio = rowBytes / this.#rowBytes;
    let row = 0;
    const moves = this.#keys.map((key, old) => {
      const target = Math.floor(key / ratio);
      while (item(keys, row) < target) row += 1;
      los[row] = Math.min(item(los, row), item(this.#los, old));
      his[row] = Math.max(item(his, row), item(this.#his, old));
      return row;
    });
    this.#hits.moveRows(moves);
    this.#exposure.moveRows(moves);
    this.#keys = keys;
    this.#los = los;
    this.#his = his;
    this.#rowBytes = rowBytes;
  }

  /** Spreads each region's hits and exposure over its rows, and those over the columns. */
  #accumulate({ starts, ends }: Memory, hits: Float64Array, from: number, to: number): void {
    const rowBytes = this.#rowBytes;
    const [keys, los, his] = [this.#keys, this.#los, this.#his];
    let row = 0;
    for (let i = 0; i < starts.length; i++) {
      // The columns are of one length: no index below is out of range.
      const start = starts[i] ?? 0;
      const end = ends[i] ?? 0;
      const regionHits = hits[i] ?? 0;
      const { first, last } = runOf(start, end, rowBytes);
      while ((keys[row] ?? Infinity) < first) row += 1;
      let given = 0;
      for (let key = first; key <= last; key++) {
        const at = row + key - first;
        const lo = Math.max(start, key * rowBytes);
        const hi = Math.min(end, (key + 1) * rowBytes);
        const upTo =
          key === last ? regionHits : quantised((regionHits * (hi - start)) / (end - start));
        this.#spread(at, upTo - given, hi - lo, from, to);
        given = upTo;
        if (lo < (los[at] ?? 0)) los[at] = lo;
        if (hi > (his[at] ?? 0)) his[at] = hi;
      }
      this.#totalHits += regionHits;
    }
  }

  /** Spreads the hits of one row over the columns of `[from, to)`. */
  #spread(row: number, hits: number, bytes: number, from: number, to: number): void {
    const width = this.#columnNs;
    const last = Math.max(0, Math.ceil(to / width) - 1);
    const first = Math.min(Math.floor(from / width), last);
    let given = 0;
    for (let column = first; column <= last; column++) {
      const lo = Math.max(from, column * width);
      const hi = Math.min(to, (column + 1) * width);
      const upTo = column === last ? hits : quantised((hits * (hi - from)) / (to - from));
      this.#hits.add(column, row, upTo - given);
      // An interval of no length still covers its region for an instant.
      this.#exposure.add(column, row, (bytes / MIB) * (Math.max(1, hi - lo) / 1e9));
      given = upTo;
    }
  }

  /** Bytes without monitoring just below a row. */
  #gap(row: number): number {
    return item(this.#los, row) - item(this.#his, row - 1);
  }

  #columnStartNs(column: number): bigint {
    const fromOrigin = Math.min(column * this.#columnNs, this.#spanNs);
    return this.startNs + BigInt(Math.round(fromOrigin));
  }

  /** Where the rows of a grid begin among the stored rows, and where the last one ends. */
  #rowEdges(limit: number, cuts: readonly bigint[]): number[] {
    if (this.rows === 0) return [0];
    // Stretches of memory, each by its first row; the widest holes are the last to be closed.
    const cutRows = new Set(cuts.map((cut) => this.#los.findIndex((lo) => lo >= Number(cut))));
    const stretches = this.#keys
      .map((_, row) => ({ row, gap: row > 0 ? this.#gap(row) : Infinity }))
      .filter(({ row, gap }) => gap > 0 || cutRows.has(row))
      .toSorted((a, b) => b.gap - a.gap || a.row - b.row)
      .slice(0, limit)
      .map(({ row }) => row)
      .toSorted((a, b) => a - b);
    const sizes = stretches.map((row, i) => (stretches[i + 1] ?? this.rows) - row);
    const shares = apportion(limit, sizes);
    const starts = stretches.flatMap((row, i) =>
      evenEdges(item(sizes, i), item(shares, i))
        .slice(0, -1)
        .map((edge) => row + edge),
    );
    return [...starts, this.rows];
  }
}

function atLeast(path: string, value: number, minimum: number): number {
  if (Number.isInteger(value) && value >= minimum) return value;
  throw refuse({
    code: 'ERR_DAMON_HEATMAP_SIZE',
    path,
    expected: `an integer >= ${minimum}`,
    received: value,
  });
}

/** `parts + 1` edges that divide `0..size` as evenly as whole numbers can. */
function evenEdges(size: number, parts: number): number[] {
  if (parts === 0) return [];
  return Array.from({ length: parts + 1 }, (_, i) => Math.round((size * i) / parts));
}

/** Seats for parties of the given sizes: one each, the others to whoever is most crowded. */
function apportion(seats: number, sizes: readonly number[]): number[] {
  const parties = sizes.map((size) => ({ size, seats: 1 }));
  for (let seat = sizes.length; seat < seats; seat++) {
    const crowded = parties.reduce((most, party) =>
      party.size / party.seats > most.size / most.seats ? party : most,
    );
    crowded.seats += 1;
  }
  return parties.map((party) => party.seats);
}

/** Rounds down to what sums exactly. */
function quantised(hits: number): number {
  return Math.floor(hits * HIT_UNITS) / HIT_UNITS;
}

function half(key: number): number {
  return Math.floor(key / 2);
}

/** The rows that `[start, end)` touches. */
function runOf(start: number, end: number, rowBytes: number): Run {
  const first = Math.floor(start / rowBytes);
  return { first, last: Math.max(first, Math.ceil(end / rowBytes) - 1) };
}

/** Runs in ascending order, with those that touch or overlap joined. */
function union(runs: readonly Run[]): Run[] {
  const joined: { first: number; last: number }[] = [];
  for (const run of runs.toSorted((a, b) => a.first - b.first)) {
    const previous = joined.at(-1);
    if (previous && run.first <= previous.last + 1) {
      previous.last = Math.max(previous.last, run.last);
    } else {
      joined.push({ ...run });
    }
  }
  return joined;
}

function rowCount(runs: readonly Run[]): number {
  return runs.reduce((count, { first, last }) => count + last - first + 1, 0);
}
