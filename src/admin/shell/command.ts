import type { AdminError } from '../errno.ts';

/** One step of a script, as those see it who replay it. */
export type ShellCommand = {
  /** In the script, from 1. */
  readonly line: number;
} & (
  | {
      /** What a command printed into a file, in one `write(2)`; `''` if it was opened only. */
      readonly type: 'write';
      readonly text: string;
      readonly path: string;
    }
  | { readonly type: 'read'; readonly path: string }
  | { readonly type: 'list'; readonly path: string }
  | { readonly type: 'cd'; readonly path: string }
  | { readonly type: 'sleep'; readonly ms: number }
  | {
      /** What the script tells whoever runs it. */
      readonly type: 'print';
      readonly text: string;
    }
  | {
      /**
       * The script ended by `exit`, by a command that failed, last or under `set -e`, or by an error of
       * its own.
       */
      readonly type: 'exit';
      readonly status: number;
      readonly reason?: string;
    }
);

/** What one step of a script was answered. */
export interface ScriptAnswer {
  readonly command: ShellCommand;
  /** What a file that was read showed, or the names in a directory that was listed. */
  readonly output?: string;
  /** What was answered instead; nothing follows then. */
  readonly error?: AdminError;
  /**
   * What was answered instead where the script provides for it: in a condition, before `||`, with
   * `2>/dev/null`, after `set +e`. It goes on.
   */
  readonly handled?: AdminError;
}

/** A piece of a script at work: it tells its steps, and comes to something. */
export type Run<Result> = AsyncGenerator<ScriptAnswer, Result, void>;

/** Where a command prints. */
export type Sink =
  | { readonly type: 'terminal' }
  | { readonly type: 'null' }
  | { readonly type: 'text'; text: string }
  | {
      readonly type: 'file';
      /** As the script has it. */
      readonly path: string;
      /** From the root. */
      readonly at: string;
      written: boolean;
    };

/** What is left to read for a command, and those that share it with it. */
export interface Source {
  text: string;
}

/** Where a command reads and prints. */
export interface Streams {
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
}
