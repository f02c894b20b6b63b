import { readFileSync } from 'node:fs';

import test from 'ava';

import { ADMIN, type DirSchema } from '../../src/admin/schema.ts';
import { type UnitName, readQuantity } from '../../src/units.ts';

/** As much of a JSON Schema as is looked at. */
interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly $defs?: Readonly<Record<string, Node>>;
}

interface Property extends Node {
  readonly path: string;
  readonly isRequired: boolean;
}

const schema = JSON.parse(readFileSync('node-damon.schema.json', 'utf8')) as Node;

function propertiesOf(node: Node, path: string): Property[] {
  const { properties = {}, required = [], items, anyOf = [], oneOf = [], $defs = {} } = node;
  const own = Object.entries(properties).map(([name, property]) =>
    Object.assign({}, property, { path: `${path}.${name}`, isRequired: required.includes(name) }),
  );
  return own.concat(
    own.flatMap((property) => propertiesOf(property, property.path)),
    items ? propertiesOf(items, `${path}[]`) : [],
    [...anyOf, ...oneOf].flatMap((part, i) => propertiesOf(part, `${path}|${i}`)),
    Object.entries($defs).flatMap(([name, part]) => propertiesOf(part, `${path}#${name}`)),
  );
}

const PROPERTIES = propertiesOf(schema, '');

test('every property says what it is, and its default where it may be left out', (t) => {
  t.true(PROPERTIES.length > 300, `${PROPERTIES.length}`);
  for (const { path, description = '', isRequired } of PROPERTIES) {
    t.regex(description, /^(?!In |Default|Kernel)\S.*[^.]\.$/, path);
    t.notRegex(description, /\{@|undefined|\n/, path);
    if (!isRequired) t.regex(description, /Default: ./, path);
  }
});

test('every quantity says its unit', (t) => {
  const quantities = PROPERTIES.filter(({ anyOf = [] }) =>
    anyOf.some(({ pattern }) => pattern !== undefined),
  );
  t.true(quantities.length > 60, `${quantities.length}`);
  for (const { path, description = '' } of quantities) {
    t.regex(description, / In (whole )?(nano|micro|milli|bytes|basis points)|as the goal/, path);
  }
});

const UNITS: readonly UnitName[] = ['ns', 'us', 'ms', 'bytes', 'bytesPerS', 'bp'];

test('a default that is told is the one in force', (t) => {
  let compared = 0;
  for (const { path, description = '', default: inForce } of PROPERTIES) {
    const [, text, number] =
      /Default: (?:"([^"]+)"|(-?[\d.]+(?:e\d+)?))[.,;]/.exec(description) ?? [];
    if (typeof inForce !== 'number' && typeof inForce !== 'string') continue;
    compared += 1;
    const told: readonly unknown[] =
      text === undefined
        ? [Number(number)]
        : [text, ...UNITS.map((unit) => readQuantity(text, unit))];
    t.true(told.includes(inForce), `${path}: ${description} is ${inForce}`);
  }
  t.true(compared > 80, `${compared}`);
});

/** Every file and directory of the tree, without the numbers of directories. */
function pathsOf({ entries, numbered }: DirSchema, path: string): string[] {
  const named = Object.entries(entries);
  return named
    .map(([name]) => `${path}/${name}`)
    .concat(
      named.flatMap(([name, entry]) =>
        entry.type === 'dir' ? pathsOf(entry, `${path}/${name}`) : [],
      ),
      numbered ? pathsOf(numbered, path) : [],
    );
}

test("the kernel's name of an option is that of a file or a directory of its tree", (t) => {
  const paths = pathsOf(ADMIN, '');
  const names = PROPERTIES.flatMap(({ description = '' }) => {
    const [, text] = /Kernel: (.*)\.$/.exec(description) ?? [];
    return text?.split(', ') ?? [];
  });
  t.true(new Set(names).size > 50, `${new Set(names).size}`);
  for (const name of names) {
    t.true(
      paths.some((path) => path.endsWith(`/${name}`)),
      name,
    );
  }
});
