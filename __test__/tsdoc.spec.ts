/**
 * Every example in the TSDoc of the public API is type-checked against it and run, in a folder where
 * the package is installed and the files lie that examples name. What a line is said to print behind
 * `//`, it has to print.
 */
import { fork } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import test from 'ava';
import ts from 'typescript';

interface Example {
  /** Of what: a function, a class, or a member of one. */
  readonly name: string;
  readonly code: string;
}

/** What an example did. */
interface Ran {
  readonly path: string;
  readonly printed: readonly string[];
  readonly error?: string;
}

const PAGES = ['index.d.ts', 'producer.d.ts'];
/** Classes that nobody makes: a function gives them. */
const GIVEN = new Set(['AdminMount']);
const NEEDS_FUSE = new Set(['mountAdmin']);

function parse(page: string): ts.SourceFile {
  const text = ts.sys.readFile(page);
  if (text === undefined) throw new Error(`${page} is not there`);
  return ts.createSourceFile(page, text, ts.ScriptTarget.Latest, true);
}

function nameOf(node: ts.Node): string | undefined {
  const named = ts.isVariableStatement(node) ? node.declarationList.declarations[0] : node;
  const { name } = (named ?? {}) as { name?: ts.Node };
  return name?.getText();
}

/** The examples below a node, by the names that lead there. */
function examplesOf(node: ts.Node, within: readonly string[]): Example[] {
  const name = nameOf(node);
  const names = name === undefined ? within : [...within, name];
  const own = ts
    .getJSDocTags(node)
    .filter(({ tagName, parent }) => tagName.text === 'example' && parent.parent === node)
    .map(({ comment }) => ({
      name: names.join('.'),
      code: /^```ts\n(.*)\n```$/s.exec(ts.getTextOfJSDocComment(comment) ?? '')?.[1] ?? '',
    }));
  const below: Example[] = [];
  node.forEachChild((child) => void below.push(...examplesOf(child, names)));
  return own.concat(below);
}

const SOURCES = PAGES.map(parse);
// What stands on both pages is one example.
const EXAMPLES = [
  ...new Map(
    SOURCES.flatMap((source) => examplesOf(source, [])).map((one) => [one.name, one]),
  ).values(),
];

const folder = mkdtempSync(join(tmpdir(), 'node-damon-examples-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const fileOf = (name: string): string => join(folder, `${name}.ts`);

/** Lays out what examples find, and the examples. */
function layOut(): void {
  mkdirSync(join(folder, 'node_modules'));
  const root = resolve('.');
  symlinkSync(root, join(folder, 'node_modules', 'node-damon'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, target] of [
    ['redis.samples.csv.zst', 'redis-linux-6.12.samples.csv.zst'],
    ['redis.machine.json', 'redis-linux-6.12.machine.json'],
    ['pull-push.yaml', 'pull-push.yaml'],
  ] as const) {
    symlinkSync(join(root, 'examples', target), join(folder, name));
  }
  // A module even where it imports and exports nothing.
  for (const { name, code } of EXAMPLES) writeFileSync(fileOf(name), `${code}\nexport {};\n`);
}

/** Checks the examples as users' projects are, and makes JavaScript of them beside. */
function compile(): ReadonlyMap<string, string> {
  const program = ts.createProgram(
    EXAMPLES.map(({ name }) => fileOf(name)),
    {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
      skipLibCheck: true,
    },
  );
  program.emit();
  const found = new Map<string, string>();
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    found.set(file?.fileName ?? '', `${found.get(file?.fileName ?? '') ?? ''}${text}\n`);
  }
  return found;
}

function hasFuse(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

const isRun = ({ name }: Example): boolean => !NEEDS_FUSE.has(name) || hasFuse();

async function run(): Promise<ReadonlyMap<string, Ran>> {
  const paths = EXAMPLES.filter(isRun).map(({ name }) => join(folder, `${name}.js`));
  const runner = fork(resolve('__test__/support/examples-runner.mjs'), paths, {
    cwd: folder,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ran = new Map<string, Ran>();
  runner.on('message', (message) => ran.set((message as Ran).path, message as Ran));
  await new Promise((done) => runner.once('exit', done));
  return ran;
}

let wrong: ReadonlyMap<string, string> = new Map();
let ran: ReadonlyMap<string, Ran> = new Map();

test.before(async (t) => {
  t.timeout(300_000);
  layOut();
  wrong = compile();
  ran = await run();
});

test('every function and every class that is exported has an example', (t) => {
  const shown = new Set(EXAMPLES.map(({ name }) => name));
  const missing = SOURCES.flatMap((source) =>
    source.statements.flatMap((node) => {
      const name = nameOf(node) ?? '';
      // Constants in lower case are functions too: the tuners.
      const starts =
        ts.isClassDeclaration(node) ||
        ts.isFunctionDeclaration(node) ||
        (ts.isVariableStatement(node) && /^[a-z]/.test(name));
      return starts && !shown.has(name) && !GIVEN.has(name) ? [name] : [];
    }),
  );
  t.deepEqual(missing, []);
  t.true(EXAMPLES.length > 50, `${EXAMPLES.length}`);
});

for (const example of EXAMPLES) {
  const { name, code } = example;
  test(`the example of ${name} is right, and runs`, (t) => {
    t.not(code, '', 'a block of ts, and nothing else');
    t.is(wrong.get(fileOf(name)), undefined);
    if (!isRun(example)) return;
    const { printed, error } = ran.get(join(folder, `${name}.js`)) ?? {
      error: 'it never came to it',
    };
    t.is(error, undefined);
    const told = Array.from(
      code.matchAll(/^ *(?:if .*)?console\.log\(.*\); \/\/ (.*)$/gm),
      ([, text]) => text,
    );
    if (told.length > 0) t.deepEqual(printed, told as string[]);
  });
}
