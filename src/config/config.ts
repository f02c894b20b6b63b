/**
 * A whole run as data: what to monitor, until when, what changes on the way, what to keep of it.
 *
 * The options of a `Kdamond` and a few more, so that a path in an error means the same in a program
 * and in a file. Not here: reading files (`file.ts`), and running (`job/run.ts`).
 */
import * as v from 'valibot';

import { DamonError, atPath, refuse } from '../errors.ts';
import { type GoalOptions, goalSchema } from '../goal/goal.ts';
import type { SamplerOptions } from '../sampler/sampler.ts';
import {
  type CommitOptions,
  type KdamondOptions,
  commitEntries,
  kdamondEntries,
  resolveCommit,
  resolveOptions,
} from '../kdamond-options.ts';
import type { ContextConfig } from '../monitor/monitor-options.ts';
import { item } from '../report/item.ts';
import type { SchemeOptions } from '../scheme/scheme.ts';
import type { Duration, Ratio } from '../units.ts';
import {
  SAFE,
  type Schema,
  U32,
  choice,
  didYouMean,
  integer,
  options,
  quantityOf,
  refusals,
  resolve,
} from '../validate.ts';

/** Other values for a goal of a scheme; what it measures stays as it is. */
export interface SetGoal<Name extends string = string> {
  /** The scheme: its name, or its place from 0. */
  readonly scheme: NoInfer<Name> | number;
  /** Which of its goals. @default 0 */
  readonly goal?: number;
  /** The value to reach, as in the goal. @default as before */
  readonly targetValue?: Ratio;
  /** The value now, of a `user_input` goal. @default as before */
  readonly currentValue?: number;
}

/** What becomes different on the way; at least one of the two. */
export interface ChangeOptions<Name extends string = string> {
  /** When: this long after the start of monitoring. Not before the change before it. */
  readonly atMs: Duration;
  /** Goals that get other values; everything else goes on as it is. @default none */
  readonly setGoals?: readonly SetGoal<Name>[];
  /** Options that are replaced, each as a whole. @default none: all stay as they were */
  readonly commit?: CommitOptions;
}

/** What is written besides the terminal. In a file, relative to that file. */
export interface OutputOptions {
  /** File for a self-contained report. @default none */
  readonly html?: string | undefined;
  /** File for snapshots, tunings, rounds, events and a summary as NDJSON. @default none */
  readonly json?: string | undefined;
}

/** A whole run. */
export interface RunConfig<Name extends string = string> extends Omit<KdamondOptions, 'schemes'> {
  /**
   * Where editors find the schema of this file, such as `node_modules/node-damon/schema.json`.
   * @default nowhere
   */
  readonly $schema?: string;
  /** What to do, in order. @default nothing @kernel schemes */
  readonly schemes?: readonly (SchemeOptions & { readonly name?: Name })[];
  /** Length of the run. @default until the source ends; an emulation has no end */
  readonly untilMs?: Duration;
  /** What becomes different on the way, in order. @default nothing */
  readonly changes?: readonly ChangeOptions<Name>[];
  /** Files that are written. @default the terminal only */
  readonly output?: OutputOptions;
}

/** Other values for a goal, complete. */
export interface GoalStep {
  /** Index of the scheme. */
  readonly scheme: number;
  /** Index of the goal. */
  readonly goal: number;
  readonly options: GoalOptions;
}

/** A change, worked out. */
export interface PlanStep {
  readonly atMs: number;
  readonly goals: readonly GoalStep[];
  /** All that can be changed, as it is from then on. */
  readonly context: CommitOptions;
  /** The sampler that samples from then on, if it is another. */
  readonly sampler?: SamplerOptions | undefined;
  /** What the monitor is told, if more than goals changed. */
  readonly commit?: ContextConfig | undefined;
}

/** A {@link RunConfig}, checked and worked out. */
export interface RunPlan {
  readonly monitor: KdamondOptions;
  readonly untilMs?: number | undefined;
  readonly steps: readonly PlanStep[];
  readonly output: OutputOptions;
}

/** What a file says beyond the options of a monitor, as it is read. */
interface Frame {
  readonly untilMs?: number | undefined;
  readonly changes: readonly {
    readonly atMs: number;
    readonly setGoals?: readonly unknown[] | undefined;
    readonly commit?: unknown;
  }[];
  readonly output: OutputOptions;
}

const CODE = 'ERR_DAMON_CONFIG';

const schemeIndex = integer(0, U32);
const schemeName = v.string();
const schemeRef = choice<number | string>([schemeIndex, schemeName], (input) =>
  typeof input === 'string' ? schemeName : schemeIndex,
);

const targetValue: Schema<unknown> = v.union(
  [quantityOf('bp'), quantityOf('us')],
  'a value as the goal has it, such as "70 %" or "5 ms"',
);

const setGoalSchema = options({
  scheme: schemeRef,
  goal: v.optional(integer(0, U32), 0),
  targetValue: v.optional(targetValue),
  currentValue: v.optional(integer(0, SAFE)),
});

const changeSchema = v.pipe(
  options({
    atMs: quantityOf('ms'),
    setGoals: v.optional(v.array(setGoalSchema)),
    commit: v.optional(options(commitEntries)),
  }),
  v.check(
    ({ setGoals, commit }) => setGoals !== undefined || commit !== undefined,
    'a change with `setGoals` or `commit`',
  ),
);

const frameEntries = {
  $schema: v.optional(v.string()),
  untilMs: v.optional(quantityOf('ms')),
  changes: v.optional(
    v.pipe(
      v.array(changeSchema),
      v.checkItems(
        ({ atMs }, i, changes) => i === 0 || atMs >= (changes[i - 1]?.atMs ?? 0),
        'at or after the change before it',
      ),
    ),
    [],
  ),
  output: v.optional(options({ html: v.optional(v.string()), json: v.optional(v.string()) }), {}),
} as const;

/** Reads a {@link RunConfig}: the schema that is published. */
export const runConfigSchema: Schema<Frame> = v.pipe(
  options({ ...kdamondEntries, ...frameEntries }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { changes, untilMs } = dataset.value;
    const late = changes.findIndex(({ atMs }) => untilMs !== undefined && atMs >= untilMs);
    const change = changes[late];
    if (change === undefined) return;
    const array = { type: 'array', origin: 'value', input: changes, key: late, value: change };
    addIssue({
      message: `before untilMs (${untilMs} ms)`,
      input: change.atMs,
      path: [
        { type: 'object', origin: 'value', input: dataset.value, key: 'changes', value: changes },
        array as v.ArrayPathItem,
        { type: 'object', origin: 'value', input: { ...change }, key: 'atMs', value: change.atMs },
      ],
    });
  }),
);

/**
 * A configuration that a module gives as its default export: knows the options, and the names of the
 * schemes where a change refers to them.
 *
 * @example
 * ```ts
 * import { RFC_MACHINE, defineConfig } from 'node-damon';
 *
 * export default defineConfig({ source: RFC_MACHINE, untilMs: '15 min' });
 * ```
 */
export function defineConfig<const Name extends string>(config: RunConfig<Name>): RunConfig<Name> {
  return config;
}

/**
 * Checks a configuration and works out what each change comes to.
 *
 * @throws DamonError `ERR_DAMON_CONFIG…`, as a monitor with these options would
 */
export function resolveRun(config: RunConfig): RunPlan {
  const { untilMs, changes, output } = resolve(runConfigSchema, config, CODE);
  const monitor = monitorOf(config);
  resolveOptions(monitor);
  const times = changes.map(({ atMs }) => atMs);
  return { monitor, untilMs, steps: stepsOf(config, times), output };
}

/** Every reason for which {@link resolveRun} would refuse it. */
export function runRefusals(config: unknown): DamonError[] {
  const found = refusals(runConfigSchema, config, CODE);
  if (found.length > 0) return found;
  // What goes together can only be told of what is right in itself.
  try {
    resolveRun(config as RunConfig);
    return [];
  } catch (error) {
    if (error instanceof DamonError) return [error];
    throw error;
  }
}

function monitorOf(config: RunConfig): KdamondOptions {
  const { $schema: _schema, untilMs: _until, changes: _changes, output: _output, ...rest } = config;
  return rest;
}

/** What of a monitor's options can be changed. */
export function contextOf(monitor: KdamondOptions): CommitOptions {
  const known = Object.keys(commitEntries);
  return Object.fromEntries(Object.entries(monitor).filter(([key]) => known.includes(key)));
}

/** A commit that changes the sampler too, if there is one. */
export function withSampler(
  context: CommitOptions,
  sampler: SamplerOptions | undefined,
): CommitOptions {
  return sampler ? { ...context, sampler } : context;
}

/** What of them cannot: of a machine, all but its sampler. */
export function fixedOf(monitor: KdamondOptions): Partial<KdamondOptions> {
  const known = Object.keys(commitEntries);
  const fixed = Object.entries(monitor).filter(([key]) => !known.includes(key));
  const { source } = monitor;
  if (source.type !== 'emulation') return Object.fromEntries(fixed);
  const { sampler: _sampler, ...machine } = source;
  return { ...Object.fromEntries(fixed), source: machine };
}

function stepsOf(config: RunConfig, timesMs: readonly number[]): PlanStep[] {
  const monitor = monitorOf(config);
  let context = contextOf(monitor);
  const { source, addresses: first } = resolveOptions(monitor);
  let addresses = first;
  return timesMs.map((atMs, i) => {
    const { setGoals = [], commit } = item(config.changes ?? [], i);
    const path = `changes[${i}]`;
    // What samples goes on; all else is said anew with each commit.
    const { sampler, ...changed } = commit ?? {};
    let resolved: ContextConfig | undefined;
    if (commit !== undefined) {
      context = { ...context, ...changed };
      within(`${path}.commit`, () => {
        resolved = resolveCommit(withSampler(context, sampler), source, addresses);
        ({ addresses } = resolved);
      });
    }
    const goals = setGoals.map((goal, j) => goalStep(goal, context, `${path}.setGoals[${j}]`));
    context = goals.reduce(withGoal, context);
    return { atMs, goals, context, sampler, commit: resolved };
  });
}

function goalStep(
  { scheme: named, goal = 0, ...values }: SetGoal,
  { schemes = [] }: CommitOptions,
  path: string,
): GoalStep {
  const names = schemes.map(({ name, action }) => name ?? action);
  const scheme = typeof named === 'string' ? names.indexOf(named) : named;
  const present = schemes[scheme];
  if (present === undefined) {
    throw refuse({
      code: CODE,
      path: `${path}.scheme`,
      expected: `one of the schemes then: ${names.join(', ') || 'there is none'}`,
      received: named,
      hint: didYouMean(String(named), names),
    });
  }
  const before = present.quota?.goals?.[goal];
  if (before === undefined) {
    const expected = `one of the ${present.quota?.goals?.length ?? 0} goals of scheme ${scheme}`;
    throw refuse({ code: CODE, path: `${path}.goal`, expected, received: goal });
  }
  const wanted = { ...before, ...values } as GoalOptions;
  resolve(goalSchema, wanted, CODE, path);
  return { scheme, goal, options: wanted };
}

/** The context with another goal in its place. */
function withGoal(context: CommitOptions, { scheme, goal, options: wanted }: GoalStep) {
  const schemes = [...(context.schemes ?? [])];
  const present = item(schemes, scheme);
  const goals = [...(present.quota?.goals ?? [])];
  goals[goal] = wanted;
  schemes[scheme] = { ...present, quota: { ...present.quota, goals } };
  return { ...context, schemes };
}

/** Has an error of a part tell the path in the whole. */
function within(base: string, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof DamonError)) throw error;
    throw atPath(error, `${base}.${error.path}`);
  }
}
