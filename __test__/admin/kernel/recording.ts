/** What a kernel answered, as `scripts/record-admin.sh` records it. */
import { readFileSync } from 'node:fs';

import { AdminError } from '../../../src/admin/errno.ts';
import { replayScript } from '../../../src/admin/script.ts';
import type { AdminTree } from '../../../src/admin/tree.ts';

/** A command, and the answer to it. */
export interface Recorded {
  /** In the file, from 1. */
  readonly line: number;
  readonly command: string;
  /** `ok`, what was read, or an errno; `undefined` where nothing answers, as for `sleep`. */
  readonly answer: string | undefined;
  /** The comment above it. */
  readonly title: string;
}

/** Reads a recording. */
export function readRecording(name: string): Recorded[] {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8');
  let title = '';
  return text.split('\n').flatMap((content, index) => {
    if (content.startsWith('# ')) title = content.slice(2);
    if (content === '' || content.startsWith('#')) return [];
    const [command = '', answer] = content.split('  # ');
    return { line: index + 1, command, answer, title };
  });
}

/** Does one command after another on a tree of ours, as the shell that recorded did. */
export class Replay {
  readonly #tree: AdminTree;
  readonly #sleep: (ms: number) => Promise<unknown>;
  #variables: string;

  /** @param pid a process that there is */
  constructor(tree: AdminTree, pid: number, sleep: (ms: number) => Promise<unknown>) {
    this.#tree = tree;
    this.#sleep = sleep;
    this.#variables = `PID=${pid}\n`;
  }

  /** A path, with the variables in it. */
  async expand(path: string): Promise<string> {
    const script = `${this.#variables}cd ${path}`;
    for await (const { command } of replayScript(this.#tree, script)) {
      if (command.type === 'cd') return command.path;
    }
    return path;
  }

  /** The answer, in the words of a recording. */
  async answer(command: string): Promise<string | undefined> {
    if (/^\w+=/.test(command)) this.#variables += `${command}\n`;
    let answer: string | undefined;
    const script = `${this.#variables}${command}`;
    for await (const { command: done, output, error } of replayScript(this.#tree, script, {
      sleep: this.#sleep,
    })) {
      if (error instanceof AdminError) answer = error.errnoName;
      else if (output !== undefined) answer = output.replace(/\n$/, '').replaceAll('\n', '|');
      else if (done.type === 'write') answer = 'ok';
    }
    return answer;
  }
}
