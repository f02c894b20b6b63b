/** Stretches of physical memory: what is monitored, what a filter is about, what a node owns. */
import * as v from 'valibot';

import type { Address } from '../units.ts';
import { type Schema, address, options } from '../validate.ts';

/** A half-open range `[start, end)` of byte addresses. */
export interface RangeOptions {
  /** First byte. */
  readonly start: Address;
  /** One past the last byte. Minimum: `start` + 1. */
  readonly end: Address;
}

/** {@link RangeOptions} as numbers: a physical address has at most 52 bits. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const ORDERED = 'above start';

/** Reads a range. */
export const rangeSchema: Schema<Range> = v.pipe(
  options({ start: address(), end: address() }),
  v.forward(
    v.check(({ start, end }) => start < end, ORDERED),
    ['end'],
  ),
);

/** Reads ranges that are sorted and disjoint. */
export const rangesSchema: Schema<readonly Range[]> = v.pipe(
  v.array(rangeSchema),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const ranges = dataset.value;
    const index = ranges.findIndex((range, i) => i > 0 && range.start < (ranges[i - 1]?.end ?? 0));
    const range = ranges[index];
    if (range === undefined) return;
    addIssue({
      message: `at or above ${ranges[index - 1]?.end}, where the range before it ends`,
      input: range.start,
      path: [
        { type: 'array', origin: 'value', input: ranges as Range[], key: index, value: range },
        {
          type: 'object',
          origin: 'value',
          input: range as unknown as Record<string, unknown>,
          key: 'start',
          value: range.start,
        },
      ],
    });
  }),
);

/** A NUMA node and the memory it owns. Its id is its place in the list. */
export interface NodeOptions extends RangeOptions {
  /** Such as `DRAM`. @default `node <id>` */
  readonly name?: string;
}

/** {@link NodeOptions}, resolved. */
export interface NodeMemory extends Range {
  readonly id: number;
  readonly name: string;
}

/** Reads a list of nodes, in any order of addresses, none of which overlap. */
export const nodesSchema: Schema<readonly NodeMemory[]> = v.pipe(
  v.array(
    v.pipe(
      options({ start: address(), end: address(), name: v.optional(v.string()) }),
      v.forward(
        v.check(({ start, end }) => start < end, ORDERED),
        ['end'],
      ),
    ),
  ),
  v.checkItems(
    (node, i, nodes) =>
      nodes.slice(0, i).every(({ start, end }) => node.end <= start || end <= node.start),
    'apart from the nodes before it',
  ),
  v.transform((nodes) =>
    nodes.map(({ start, end, name }, id) => ({ id, name: name ?? `node ${id}`, start, end })),
  ),
);
