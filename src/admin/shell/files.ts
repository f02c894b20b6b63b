/** Files as a script meets them: each read and write is a step, and is answered. */
import { posix } from 'node:path';

import { AdminError } from '../errno.ts';
import type { AdminTree } from '../tree.ts';
import type { Run, ShellCommand, Sink, Streams } from './command.ts';
import { Refused } from './ending.ts';

/** What files need to know of the shell that asks. */
export interface Asking {
  readonly line: number;
  readonly streams: Streams;
  /** The directory that paths are from. */
  readonly cwd: string;
  /** Whether the script provides for a refusal. */
  readonly guarded: boolean;
}

/** The files of a tree. */
export class Files {
  readonly tree: AdminTree;

  constructor(tree: AdminTree) {
    this.tree = tree;
  }

  /** What a file shows; `undefined` if it is refused, and that is provided for. */
  async *read(path: string, asking: Asking): Run<string | undefined> {
    const { line, cwd } = asking;
    const command: ShellCommand = { line, type: 'read', path };
    if (path === '/dev/null') return '';
    return yield* this.#tell(command, asking, () => this.tree.read(posix.resolve(cwd, path)));
  }

  /** The names in a directory, a line each; or that of a file. */
  async *list(path: string, asking: Asking): Run<string | undefined> {
    const { line, cwd } = asking;
    return yield* this.#tell({ line, type: 'list', path }, asking, () => {
      const at = posix.resolve(cwd, path);
      const names = this.tree.stat(at)?.type === 'file' ? [path] : this.tree.list(at);
      return names.map((name) => `${name}\n`).join('');
    });
  }

  /** The directory a `cd` leads to. */
  async *enter(path: string, asking: Asking): Run<string | undefined> {
    const { line, cwd } = asking;
    const at = posix.resolve(cwd, path);
    const command: ShellCommand = { line, type: 'cd', path };
    try {
      this.tree.list(at);
    } catch (error) {
      yield* this.#refuse(command, error, asking);
      return undefined;
    }
    yield { command };
    return at;
  }

  /** Prints a text to where it goes; answers with the status. */
  async *print(text: string, sink: Sink, asking: Asking): Run<number> {
    if (text === '') return 0;
    switch (sink.type) {
      case 'terminal':
        yield { command: { line: asking.line, type: 'print', text } };
        return 0;
      case 'text':
        sink.text += text;
        return 0;
      case 'file':
        return yield* this.#write(text, sink, asking);
      case 'null':
        return 0;
    }
  }

  /** What `>` does though nothing was printed: it opens the file. */
  async *open(sink: Sink, asking: Asking): Run<number> {
    return sink.type === 'file' && !sink.written ? yield* this.#write('', sink, asking) : 0;
  }

  async *#write(text: string, sink: Sink & { type: 'file' }, asking: Asking): Run<number> {
    const { path, at } = sink;
    const command: ShellCommand = { line: asking.line, type: 'write', text, path };
    sink.written = true;
    try {
      await redirect(this.tree, at, text);
    } catch (error) {
      return yield* this.#refuse(command, error, asking);
    }
    yield { command };
    return 0;
  }

  async *#tell(command: ShellCommand, asking: Asking, ask: () => string): Run<string | undefined> {
    let output: string;
    try {
      output = ask();
    } catch (error) {
      yield* this.#refuse(command, error, asking);
      return undefined;
    }
    yield { command, output };
    return output;
  }

  async *#refuse(command: ShellCommand, error: unknown, asking: Asking): Run<number> {
    if (!(error instanceof AdminError)) throw error;
    if (!asking.guarded && asking.streams.stderr.type !== 'null') {
      yield { command, error };
      throw new Refused();
    }
    yield { command, handled: error };
    return 1;
  }
}

/** What `>` does: a shell would make a file that is not there, and the directories refuse. */
async function redirect(tree: AdminTree, path: string, text: string): Promise<void> {
  try {
    await tree.write(path, text);
  } catch (error) {
    const missing = error instanceof AdminError && error.errnoName === 'ENOENT';
    if (!missing || tree.stat(posix.dirname(path)) === undefined) throw error;
    throw new AdminError('EACCES', `${error.message}, and it cannot be made`, {
      path: error.path,
      cause: error,
    });
  }
}
