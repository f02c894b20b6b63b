/**
 * Answers the questions of a running monitor out of the sets of the user.
 *
 * The monitor's thread waits meanwhile; this one never does. Whatever a set does, a question gets one
 * answer, or none in time: then it is told what was wrong, and goes on without. Not here: what
 * going on without means, which the core decides.
 */
import { types } from 'node:util';

import * as v from 'valibot';

import type { AnswerInit, FilterCall, NativeMonitor, QuestionCall } from '../../native/binding.cjs';
import { DamonError, refuse } from '../errors.ts';
import { Lane } from '../live/lane.ts';
import { rangesSchema } from '../monitor/memory.ts';
import type { ActionName } from '../scheme/action.ts';
import { isThenable, whatOf } from '../untrusted.ts';
import { SAFE } from '../validate.ts';
import type {
  OperationsApplied,
  OperationsFilter,
  OperationsGauge,
  OperationsJob,
  OperationsLanes,
  OperationsReading,
  OperationsSet,
} from './operations-set.ts';
import { operationsError } from './registry.ts';

/** Why a question has no answer: the set failed, answered nonsense, or took too long. */
export type OperationsFailureKind = 'threw' | 'malformed' | 'late';

/** A question that a set did not answer. The run goes on. */
export interface OperationsFailure {
  readonly kind: OperationsFailureKind;
  /** The name of the set. */
  readonly set: string;
  /** Its method. */
  readonly method: string;
  /** `ERR_DAMON_OPERATIONS`, with the method as its path. */
  readonly error: DamonError;
}

/** Told of every failure, as it happens. */
export type OnFailure = (failure: OperationsFailure) => void;

const CODE = 'ERR_DAMON_OPERATIONS';

/** What a set is asked, and how its answer is read. */
interface Method {
  readonly name: string;
  readonly ask: (set: OperationsSet, question: QuestionCall, more: More) => unknown;
  /** Throws what is wrong with an answer. */
  readonly read: (answer: unknown, question: QuestionCall, path: string, more: More) => AnswerInit;
}

interface More {
  readonly lanes: OperationsLanes;
  /** The flags that a check was given to fill. */
  accessed: Uint8Array;
}

const METHODS: Readonly<Record<string, Method>> = {
  prepare: {
    name: 'prepareAccessChecks',
    ask: (set, { addresses = NONE, ...question }) =>
      set.prepareAccessChecks?.(targetOf(question), addresses),
    read: () => ({}),
  },
  check: {
    name: 'checkAccesses',
    ask: (set, { addresses = NONE, ...question }, more) => {
      more.accessed = new Uint8Array(addresses.length);
      return set.checkAccesses?.(targetOf(question), addresses, more.accessed);
    },
    read: readAccessed,
  },
  report: {
    name: 'report',
    ask: (set, { untilNs = 0n }, { lanes }) => set.report?.(untilNs, lanes),
    read: () => ({}),
  },
  apply: { name: 'apply', ask: (set, question) => set.apply(jobOf(question)), read: readApplied },
  bytesOnNode: {
    name: 'bytesOnNode',
    ask: (set, { start = 0n, end = 0n, nid = 0 }) => set.bytesOnNode?.(start, end, nid),
    read: (answer, { start = 0n, end = 0n }, path) =>
      readPart(answer, path, { partOfTotal: true, max: Number(end - start) }),
  },
  read: {
    name: 'read',
    ask: (set, { gauge }) => set.read?.(gauge as unknown as OperationsGauge),
    read: (answer, { gauge }, path) => {
      const partOfTotal = gauge?.type !== 'some_memory_stall';
      return readPart(answer, path, { partOfTotal, max: SAFE });
    },
  },
  isTargetValid: {
    name: 'isTargetValid',
    ask: (set, question) => set.isTargetValid?.(targetOf(question)),
    read: (valid, _, path) => {
      if (typeof valid === 'boolean') return { valid };
      throw refuse({ code: CODE, path, expected: 'true or false', received: valid });
    },
  },
  mappings: {
    name: 'mappings',
    ask: (set, question) => set.mappings?.(targetOf(question)),
    read: (answer, _, path) => {
      const { success, output, issues } = v.safeParse(v.optional(rangesSchema, []), answer);
      if (success) return { mappings: [...output] };
      const expected = `sorted and disjoint ranges, or nothing (${issues[0].message})`;
      throw refuse({ code: CODE, path, expected, received: answer });
    },
  },
};

const NONE = new BigUint64Array();

/** The answering side of one monitor. */
export class Answers {
  /** By name: the set in force, and one that a commit has selected. */
  #sets = new Map<string, OperationsSet>();
  /** Weak: the addon keeps whoever holds this, and is kept by its monitor. */
  #native: WeakRef<NativeMonitor> | undefined;
  readonly #timeoutMs: number;
  readonly #lanes: Lane[] = [];
  #last: OperationsFailure | undefined;
  #thrown: { readonly error: unknown } | undefined;
  /** Told of failures, while a run is in progress. */
  onFailure: OnFailure | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Whose questions they are: once, before the first. */
  answerTo(monitor: NativeMonitor): void {
    this.#native = new WeakRef(monitor);
  }

  /** Makes a set ready to be asked; `inForce` names the one to keep besides. */
  use(set: OperationsSet, inForce?: string): void {
    const kept = [...this.#sets].filter(([name]) => name === inForce);
    this.#sets = new Map([...kept, [set.name, set]]);
  }

  /** The last question without an answer. */
  get lastFailure(): OperationsFailure | undefined {
    return this.#last;
  }

  /** Throws what a listener threw, which ended the run. */
  rethrow(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown) throw thrown.error;
  }

  /** Gives the lanes back. */
  close(): void {
    this.#lanes.forEach((lane) => lane.close());
  }

  /** Takes a question, and sees to its answer. Never throws. */
  readonly ask = (question: QuestionCall): void => {
    const method = METHODS[question.kind];
    const set = this.#sets.get(question.set);
    if (method === undefined || set === undefined) {
      this.#answer(question, { unanswered: 'malformed' });
      return;
    }
    const more: More = { lanes: { lane: (number) => this.#lane(number) }, accessed: EMPTY };
    let given: unknown;
    let isLater: boolean;
    try {
      given = method.ask(set, question, more);
      isLater = isThenable(given);
    } catch (error) {
      this.#threw(question, method, error);
      return;
    }
    if (isLater) void this.#settle(question, method, more, given);
    else this.#give(question, method, more, given);
  };

  async #settle(question: QuestionCall, method: Method, more: More, given: unknown): Promise<void> {
    const timer = setTimeout(() => {
      const what = `no answer within ${this.#timeoutMs} ms`;
      this.#fail(question, method, 'late', operationsError(question.set, method.name, what));
    }, this.#timeoutMs);
    // The run that waits keeps the process.
    timer.unref();
    try {
      this.#give(question, method, more, await given);
    } catch (error) {
      this.#threw(question, method, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #give(question: QuestionCall, method: Method, more: More, given: unknown): void {
    let answer: AnswerInit;
    try {
      answer = method.read(given, question, `${question.set}.${method.name}()`, more);
    } catch (error) {
      if (error instanceof DamonError) this.#fail(question, method, 'malformed', error);
      else this.#threw(question, method, error);
      return;
    }
    this.#answer(question, answer);
  }

  #threw(question: QuestionCall, method: Method, error: unknown): void {
    const failure = operationsError(question.set, method.name, whatOf(error), error);
    this.#fail(question, method, 'threw', failure);
  }

  #fail(
    question: QuestionCall,
    method: Method,
    kind: OperationsFailureKind,
    error: DamonError,
  ): void {
    // One that nobody waits for any more is no failure: it was late before, or the run was ended.
    if (!this.#answer(question, { unanswered: kind })) return;
    const failure = { kind, set: question.set, method: method.name, error };
    this.#last = failure;
    try {
      this.onFailure?.(failure);
    } catch (thrown) {
      this.#thrown ??= { error: thrown };
      this.#native?.deref()?.interrupt();
    }
  }

  #answer({ number, kind }: QuestionCall, answer: AnswerInit): boolean {
    return this.#native?.deref()?.answer(number, kind, answer) ?? false;
  }

  #lane(number = 0): Lane {
    const lane = this.#lanes[number];
    if (lane !== undefined) return lane;
    if (!Number.isInteger(number) || number < 0 || number > this.#lanes.length) {
      const expected = `an integer from 0 to ${this.#lanes.length}: lanes are taken in order`;
      throw refuse({ code: CODE, path: 'lane', expected, received: number });
    }
    const taken = Lane.attach(this.#native?.deref()?.token ?? '');
    this.#lanes.push(taken);
    return taken;
  }
}

const EMPTY = new Uint8Array();

function targetOf({ tgid }: Pick<QuestionCall, 'tgid'>): { tgid?: number } {
  return tgid === undefined ? {} : { tgid };
}

function jobOf(question: QuestionCall): OperationsJob {
  const { start = 0n, end = 0n, action, nid, destinations = [] } = question;
  const filters = (question.filters ?? []).map(filterOf);
  return {
    ...targetOf(question),
    start,
    end,
    action: action as ActionName,
    ...(nid !== undefined && { targetNid: nid }),
    destinations,
    filters,
    passes: (is) => {
      const hit = filters.find((filter) => is(filter) === filter.matching);
      return hit?.allow ?? filters.at(-1)?.allow !== true;
    },
  };
}

function filterOf({ type, matching, allow, memcg, min, max }: FilterCall): OperationsFilter {
  return {
    type: type as OperationsFilter['type'],
    matching,
    allow,
    ...(memcg !== undefined && { memcg }),
    ...(min !== undefined && max !== undefined && { szBytes: { min, max } }),
  };
}

function readAccessed(
  answer: unknown,
  { addresses = NONE }: QuestionCall,
  path: string,
  more: More,
): AnswerInit {
  const accessed = answer ?? more.accessed;
  if (types.isUint8Array(accessed) && accessed.length === addresses.length) {
    // Copied where another thread may write.
    return { accessed: types.isSharedArrayBuffer(accessed.buffer) ? accessed.slice() : accessed };
  }
  const expected = `nothing, or a Uint8Array of ${addresses.length} elements`;
  throw refuse({ code: CODE, path, expected, received: answer });
}

function readApplied(
  answer: unknown,
  { start = 0n, end = 0n }: QuestionCall,
  path: string,
): AnswerInit {
  const applied = fieldsOf<OperationsApplied>(answer, path);
  const bytes = Number(end - start);
  return {
    applied: {
      bytes: whole(applied.appliedBytes, bytes, `${path}.appliedBytes`),
      passed: whole(applied.passedBytes ?? 0, bytes, `${path}.passedBytes`),
      elapsedNs: whole(applied.elapsedNs ?? 0, SAFE, `${path}.elapsedNs`),
    },
  };
}

function readPart(
  answer: unknown,
  path: string,
  { partOfTotal, max }: { partOfTotal: boolean; max: number },
): AnswerInit {
  const reading = fieldsOf<OperationsReading>(answer, path);
  const total = whole(reading.total, max, `${path}.total`);
  return { part: { part: whole(reading.part, partOfTotal ? total : max, `${path}.part`), total } };
}

/** The fields of an object, each to be checked. */
function fieldsOf<T>(answer: unknown, path: string): { readonly [Key in keyof T]: unknown } {
  if (typeof answer === 'object' && answer !== null) {
    return answer as { readonly [Key in keyof T]: unknown };
  }
  throw refuse({ code: CODE, path, expected: 'an object', received: answer });
}

function whole(value: unknown, max: number, path: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max) {
    return value as number;
  }
  const expected = `an integer from 0 to ${max === SAFE ? '2^53 - 1' : max}`;
  throw refuse({ code: CODE, path, expected, received: value });
}
