/**
 * Numbers by column and row, at a fixed size, that can be added up pairwise when it gets tight.
 *
 * Cells are read with `?? 0`, which never applies: `item` serves arrays of every kind, and is some
 * ten times slower here for it.
 */

/** A matrix of numbers, all 0 at first. */
export class Matrix {
  readonly columns: number;
  readonly rows: number;
  /** By `column * rows + row`. */
  #cells: Float64Array;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#cells = new Float64Array(columns * rows);
  }

  /** Adds to a cell. */
  add(column: number, row: number, value: number): void {
    const at = column * this.rows + row;
    this.#cells[at] = (this.#cells[at] ?? 0) + value;
  }

  /** Sum of the cells in columns `[columnFrom, columnTo)` and rows `[rowFrom, rowTo)`. */
  sum(columnFrom: number, columnTo: number, rowFrom: number, rowTo: number): number {
    let total = 0;
    for (let column = columnFrom; column < columnTo; column++) {
      const at = column * this.rows;
      for (let i = at + rowFrom; i < at + rowTo; i++) total += this.#cells[i] ?? 0;
    }
    return total;
  }

  /** Puts the sum of columns `2c` and `2c + 1` in column `c`. */
  foldColumns(): void {
    const folded = new Float64Array(this.#cells.length);
    for (let column = 0; column < this.columns; column++) {
      const from = column * this.rows;
      const to = Math.floor(column / 2) * this.rows;
      for (let row = 0; row < this.rows; row++) {
        folded[to + row] = (folded[to + row] ?? 0) + (this.#cells[from + row] ?? 0);
      }
    }
    this.#cells = folded;
  }

  /** Puts the sum of all rows `r` in row `targets[r]`; rows without a target are dropped. */
  moveRows(targets: readonly number[]): void {
    const moved = new Float64Array(this.#cells.length);
    for (let column = 0; column < moved.length; column += this.rows) {
      targets.forEach((target, row) => {
        moved[column + target] = (moved[column + target] ?? 0) + (this.#cells[column + row] ?? 0);
      });
    }
    this.#cells = moved;
  }
}
