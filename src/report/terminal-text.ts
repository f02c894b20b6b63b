/**
 * Text laid out for a terminal: tables, wrapped lines, and text from outside made harmless.
 */

import { createRequire } from 'node:module';

import { Chalk, type ChalkInstance } from 'chalk';
import type Table from 'cli-table3';

// Loaded by the first table: it takes as long to load as the monitor.
const require = createRequire(import.meta.url);

/** 0 none, 1 the sixteen basic colours, 2 the 256 colours, 3 all; as in chalk. */
export type ColorLevel = 0 | 1 | 2 | 3;

/** The terminal to render for. */
export interface TerminalOptions {
  /** Columns of the terminal, 80 to 200; anything else is taken as the nearer of the two. @default 80 */
  readonly width?: number;
  /** @default 0 */
  readonly colorLevel?: ColorLevel;
}

const WIDTH_MIN = 80;
const WIDTH_MAX = 200;

/** Widest node label; longer ones are cut. */
export const NODE_WIDTH_MAX = 16;

export type Align = 'left' | 'right';

/** A table without lines, two spaces between columns, its head dimmed. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  aligns: readonly Align[],
  chalk: ChalkInstance,
): string {
  const Lines = require('cli-table3') as typeof Table;
  const lines = new Lines({
    head: head.map((title) => chalk.dim(title)),
    colAligns: [...aligns],
    chars: NO_LINES,
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
  });
  lines.push(...rows.map((row) => [...row]));
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** A column of a table that may have to be left out. */
export interface Column {
  readonly head: string;
  readonly align: Align;
  readonly cells: readonly string[];
}

/**
 * A {@link table} of all columns, or, where it is wider than the terminal, without as many of the
 * dispensable ones as it takes, first to last.
 */
export function fittedTable(
  columns: readonly Column[],
  dispensable: readonly string[],
  { width, colorLevel = 0 }: TerminalOptions,
): { readonly text: string; readonly leftOut: readonly string[] } {
  const without = (names: readonly string[], palette: ChalkInstance): string => {
    const shown = columns.filter(({ head }) => !names.includes(head));
    const rows = (shown[0]?.cells ?? []).map((_, row) =>
      shown.map(({ cells }) => cells[row] ?? ''),
    );
    return table(
      shown.map(({ head }) => head),
      rows,
      shown.map(({ align }) => align),
      palette,
    );
  };
  const present = dispensable.filter((name) => columns.some(({ head }) => head === name));
  const plain = new Chalk({ level: 0 });
  const count = present.findIndex((_, i) =>
    without(present.slice(0, i), plain)
      .split('\n')
      .every((line) => line.length <= clampWidth(width)),
  );
  const leftOut = count < 0 ? present : present.slice(0, count);
  return { text: without(leftOut, new Chalk({ level: colorLevel })), leftOut };
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const;

/** Joins parts into lines of at most `width`, breaking between parts only. */
export function wrap(parts: readonly string[], glue: string, width: number): string[] {
  const lines: string[] = [];
  const end = glue.trimEnd();
  parts.forEach((part, i) => {
    // All lines but the last end in what joins them.
    const room = i === parts.length - 1 ? width : width - end.length;
    const joined = [...lines.slice(-1), part].join(glue);
    if (lines.length > 0 && joined.length <= room) lines[lines.length - 1] = joined;
    else lines.push(cut(part, room));
  });
  return lines.map((line, i) => (i < lines.length - 1 ? line + end : line));
}

/** {@link wrap} at spaces; a percent sign stays with its number. */
export function wrapText(text: string, width: number): string[] {
  return wrap(text.split(/ (?!%)/), ' ', width);
}

/** Puts `first` before the first line and as many spaces as `indent` before the others. */
export function hang(lines: readonly string[], first: string, indent: number): string[] {
  return lines.map((line, i) => (i === 0 ? first : ' '.repeat(indent)) + line);
}

/** Text from outside without control characters, which a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '�');
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

export function clampWidth(width: number = WIDTH_MIN): number {
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, Math.floor(width) || WIDTH_MIN));
}
