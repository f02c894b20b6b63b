/**
 * Numbers by column and row, at a fixed size, that can be added up pairwise when it gets tight.
 */

import { item } from './item.ts';

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
    this.#cells[at] = item(this.#cells, at) + value;
  }

  /** Sum of the cells in columns `[columnFrom, columnTo)` and rows `[rowFrom, rowTo)`. */
  sum(columnFrom: number, columnTo: number, rowFrom: number, rowTo: number): number {
    let total = 0;
    for (let column = columnFrom; column < columnTo; column++) {
      const at = column * this.rows;
      for (let i = at + rowFrom; i < at + rowTo; i++) total += item(this.#cells, i);
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
        folded[to + row] = item(folded, to + row) + item(this.#cells, from + row);
      }
    }
    this.#cells = folded;
  }

  /** Puts the sum of all rows `r` in row `targets[r]`; rows without a target are dropped. */
  moveRows(targets: readonly number[]): void {
    const moved = new Float64Array(this.#cells.length);
    for (let column = 0; column < moved.length; column += this.rows) {
      targets.forEach((target, row) => {
        moved[column + target] = item(moved, column + target) + item(this.#cells, column + row);
      });
    }
    this.#cells = moved;
  }
}
