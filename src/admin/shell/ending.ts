/** What ends the flow of a script before its last line. */

/** What bash would end a script with, beside `exit`: a variable that is not set, arithmetic. */
export class ShellError extends Error {}

/** `exit`, `return`, `break` and `continue`: on the way to where they lead. */
export class Leaving {
  readonly to: 'exit' | 'return' | 'break' | 'continue';
  /** Of `exit` and `return`. */
  readonly status: number;
  /** Of `break` and `continue`: loops still to leave. */
  loops: number;

  constructor(to: Leaving['to'], status: number, loops = 1) {
    this.to = to;
    this.status = status;
    this.loops = loops;
  }
}

/** A refusal that the script does not provide for: nothing follows. */
export class Refused extends Error {}
