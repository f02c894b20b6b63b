/** Where a command writes: streams, how wide and how colourful they are, and files. */
import { once } from 'node:events';
import { type WriteStream, createWriteStream } from 'node:fs';
import { access, constants, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';

import { supportsColor } from 'chalk';
import { Presets, SingleBar } from 'cli-progress';

import { DamonError } from '../errors.ts';
import type { Progress } from '../kdamond.ts';
import { formatBytes, formatDuration } from '../report/format.ts';
import type { ColorLevel } from '../report/terminal.ts';

/** A stream, and what it knows if it is a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

/** What a command may use of the world. */
export interface CliContext {
  /** Takes the results, and nothing else. */
  readonly stdout: Output;
  /** Takes errors, progress and advice. */
  readonly stderr: Output;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}

const WIDTH = 100;

/** How to render for a stream. */
export function rendering({ columns, isTTY }: Output): { width: number; colorLevel: ColorLevel } {
  const isPlain = process.env['NO_COLOR'] || (!isTTY && !process.env['FORCE_COLOR']);
  const level = supportsColor ? supportsColor.level : 0;
  return { width: columns ?? WIDTH, colorLevel: isPlain ? 0 : (level as ColorLevel) };
}

/** Writes text and waits while the reader is behind, so that memory stays flat. */
export async function write(stream: Output, text: string): Promise<void> {
  // A stream that has failed drains no more; who owns it tells why.
  if (!stream.write(text) && stream.writable) await once(stream, 'drain');
}

/**
 * Sees, before the work begins, that a file can be written where it is wanted.
 *
 * @throws DamonError `ERR_DAMON_OUTPUT`
 */
export async function expectWritable(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw unwritable(path, new Error('a directory'));
}

/**
 * Writes a file whole or not at all.
 *
 * @throws DamonError `ERR_DAMON_OUTPUT`
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.part`;
  try {
    await writeFile(partial, text);
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw unwritable(path, cause);
  }
}

/** A file that is written bit by bit, and is there whole or not at all. */
export class WholeFile {
  /** What is written. */
  readonly stream: WriteStream;
  readonly #path: string;
  readonly #partial: string;
  readonly #finished: Promise<unknown>;

  /**
   * Begins a file.
   *
   * @throws DamonError `ERR_DAMON_OUTPUT`
   */
  static async open(path: string): Promise<WholeFile> {
    const file = new WholeFile(path);
    await once(file.stream, 'open').catch((cause: unknown) => {
      throw unwritable(path, cause);
    });
    return file;
  }

  private constructor(path: string) {
    this.#path = path;
    this.#partial = `${path}.part`;
    this.stream = createWriteStream(this.#partial);
    // Kept as a value: whoever keeps the file is told, nobody else has to listen.
    this.#finished = finished(this.stream).catch((cause: unknown) => cause);
  }

  /**
   * All of it has been written.
   *
   * @throws DamonError `ERR_DAMON_OUTPUT`
   */
  async keep(): Promise<void> {
    this.stream.end();
    const cause = await this.#finished;
    if (cause !== undefined) throw unwritable(this.#path, cause);
    await rename(this.#partial, this.#path).catch((error: unknown) => {
      throw unwritable(this.#path, error);
    });
  }

  /** It will never be whole; does nothing once it is. */
  async drop(): Promise<void> {
    this.stream.destroy();
    await this.#finished;
    await rm(this.#partial, { force: true }).catch(() => undefined);
  }
}

function unwritable(path: string, cause: unknown): DamonError {
  const message = `Expected ${path} to be writable, got ${(cause as Error).message}`;
  return new DamonError(message, { code: 'ERR_DAMON_OUTPUT', path, cause });
}

/** A bar on standard error, if that is a terminal; call `stop` whatever happens. */
export function progressBar(
  stream: Output,
  title: string,
): { onProgress: (progress: Progress) => void; stop: () => void } {
  if (!stream.isTTY) return { onProgress: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      stream,
      format: `${title} {bar} {percentage} % | {at} of {end} | {duration_formatted}`,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  return {
    onProgress: ({ done, total, unit }) => {
      const end = total ?? done;
      const what = unit === 'bytes' ? '' : ' simulated';
      const payload = { at: show(done, unit), end: `${show(end, unit)}${what}` };
      if (bar.isActive) bar.update(done, payload);
      else bar.start(end, done, payload);
    },
    stop: () => bar.stop(),
  };
}

function show(value: number, unit: Progress['unit']): string {
  return unit === 'bytes' ? formatBytes(Math.round(value)) : formatDuration(value);
}
