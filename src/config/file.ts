/**
 * Configuration files: YAML and JSON, which know their lines, and modules, which know TypeScript.
 *
 * A refusal says where in the file the refused value stands. Paths in a file are relative to it.
 */
import { readFile } from 'node:fs/promises';
import { dirname, extname, resolve as absolute } from 'node:path';
import { pathToFileURL } from 'node:url';

import type * as Yaml from 'yaml';

import { DamonError, withDetails } from '../errors.ts';
import { type RunConfig, runRefusals } from './config.ts';

const CODE = 'ERR_DAMON_CONFIG_FILE';
const TEXTS = ['.yaml', '.yml', '.json'];
const MODULES = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** What a file says, and where it says so. */
export interface ConfigFile {
  /** As the file has it, paths made absolute; not yet checked. */
  readonly content: unknown;
  /** The same error with the place in the file. */
  readonly locate: (error: DamonError) => DamonError;
}

/**
 * Reads a file and checks it.
 *
 * @example
 * ```ts
 * import { loadConfig } from 'node-damon';
 *
 * const { schemes = [] } = await loadConfig('pull-push.yaml');
 * console.log(schemes.map(({ name }) => name).join(' ')); // PULL PUSH
 * ```
 *
 * @param path of a file of YAML or JSON, or of a module whose default export is a configuration
 * @throws DamonError with `file`, and with `line` and `column` where it is a text:
 *   `ERR_DAMON_CONFIG_FILE` for one that cannot be read, `ERR_DAMON_CONFIG…` for what it says
 */
export async function loadConfig(path: string): Promise<RunConfig> {
  return configOf(await readConfigFile(path));
}

/** What the file says, checked; {@link loadConfig} has the errors. */
export function configOf({ content, locate }: ConfigFile): RunConfig {
  const [first] = runRefusals(content);
  if (first !== undefined) throw locate(first);
  return content as RunConfig;
}

/**
 * Every reason for which {@link loadConfig} would refuse the file, in its order where it is a text;
 * empty when it would not.
 *
 * @example
 * ```ts
 * import { checkConfig } from 'node-damon';
 *
 * for (const { path, line, message, hint } of await checkConfig('pull-push.yaml')) {
 *   console.log(path, line, message, hint);
 * }
 * ```
 */
export async function checkConfig(path: string): Promise<DamonError[]> {
  try {
    return refusalsOf(await readConfigFile(path));
  } catch (error) {
    if (error instanceof DamonError) return [error];
    throw error;
  }
}

/** Why what the file says is refused, in its order. */
export function refusalsOf({ content, locate }: ConfigFile): DamonError[] {
  const errors = runRefusals(content).map(locate);
  return errors.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

/** Reads a file, without a look at what it says. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const extension = extname(path);
  if (TEXTS.includes(extension)) return readText(path, extension === '.json');
  if (MODULES.includes(extension)) return readModule(path);
  throw unreadable(path, `its name should end in ${[...TEXTS, ...MODULES].join(', ')}`);
}

async function readText(path: string, isJson: boolean): Promise<ConfigFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unreadable(path, (cause as Error).message, { cause });
  });
  // Loaded here: a program that reads no file need not wait for it.
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
  });
  // A warning, such as one of an unknown tag, means that the text is not read as it was meant.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col: column } = lines.linePos(problem.pos[0]);
    throw unreadable(path, problem.message, { line, column, cause: problem });
  }
  let content: unknown;
  try {
    // YAML reads JSON, and more: a file that is named JSON has to be.
    content = isJson ? JSON.parse(text) : document.toJS();
  } catch (cause) {
    throw unreadable(path, (cause as Error).message, { cause });
  }
  if (content === null) throw unreadable(path, 'it is empty');
  const places = new Places(document, lines, yaml);
  return {
    content: withPaths(content, dirname(path)),
    locate: (error) => withDetails(error, { file: path, ...places.of(error) }),
  };
}

/** Counts what was imported, so that a module that changed is read again. */
let imports = 0;

async function readModule(path: string): Promise<ConfigFile> {
  const url = `${pathToFileURL(absolute(path)).href}?read=${(imports += 1)}`;
  let module: { default?: unknown };
  try {
    module = (await import(url)) as { default?: unknown };
  } catch (cause) {
    const unknown = (cause as { code?: unknown }).code === 'ERR_UNKNOWN_FILE_EXTENSION';
    const hint = unknown ? 'Node reads TypeScript from 22.18 on; or write it as .mjs' : undefined;
    throw unreadable(path, (cause as Error).message, { cause, hint });
  }
  if (!('default' in module)) throw unreadable(path, 'it has no default export');
  return {
    content: withPaths(module.default, dirname(path)),
    locate: (error) => withDetails(error, { file: path }),
  };
}

function unreadable(
  file: string,
  why: string,
  more: { line?: number; column?: number; hint?: string | undefined; cause?: unknown } = {},
): DamonError {
  const message = `The configuration ${file} cannot be read: ${why}`;
  return new DamonError(message, { code: CODE, file, ...more });
}

/** Makes the paths in it absolute, where there are some. */
function withPaths(content: unknown, folder: string): unknown {
  if (!isRecord(content)) return content;
  const { source, output } = content;
  return {
    ...content,
    ...(isRecord(source) && { source: absoluteAt(source, ['path'], folder) }),
    ...(isRecord(output) && { output: absoluteAt(output, ['html', 'json'], folder) }),
  };
}

function absoluteAt(record: Record<string, unknown>, keys: readonly string[], folder: string) {
  const isPath = ([key, value]: [string, unknown]): boolean =>
    keys.includes(key) && typeof value === 'string' && value !== '';
  const entries = Object.entries(record);
  return Object.fromEntries(
    entries.map((entry) =>
      isPath(entry) ? [entry[0], absolute(folder, String(entry[1]))] : entry,
    ),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where the values of a document stand. */
class Places {
  readonly #document: Yaml.Document;
  readonly #lines: Yaml.LineCounter;
  readonly #yaml: typeof Yaml;

  constructor(document: Yaml.Document, lines: Yaml.LineCounter, yaml: typeof Yaml) {
    this.#document = document;
    this.#lines = lines;
    this.#yaml = yaml;
  }

  /** Where the refused value is; what is missing is where it should be. */
  of({ path = '' }: DamonError): { line: number; column: number } {
    let node: unknown = this.#document.contents;
    let offset = this.#offsetOf(node) ?? 0;
    for (const key of path === 'options' ? [] : path.split(/[.[\]]+/).filter(Boolean)) {
      const found = this.#child(node, key);
      if (found === undefined) break;
      offset = this.#offsetOf(found.at) ?? offset;
      node = found.value;
    }
    const { line, col: column } = this.#lines.linePos(offset);
    return { line, column };
  }

  #child(node: unknown, key: string): { at: unknown; value: unknown } | undefined {
    const { isMap, isSeq, isScalar } = this.#yaml;
    const parent = this.#resolved(node);
    if (isSeq(parent)) {
      const value = parent.items[Number(key)];
      return value === undefined ? undefined : { at: value, value };
    }
    if (!isMap(parent)) return undefined;
    const pair = (parent.items as Yaml.Pair[]).find(
      ({ key: name }) => String(isScalar(name) ? name.value : name) === key,
    );
    if (pair !== undefined) return { at: pair.key, value: pair.value };
    // Merged from elsewhere: `<<: *common`, or a list of such.
    const merge = (parent.items as Yaml.Pair[]).find(
      ({ key: name }) => isScalar(name) && name.source === '<<',
    );
    const from = isSeq(merge?.value) ? merge.value.items : [merge?.value];
    for (const one of from) {
      const found = this.#child(one, key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #resolved(node: unknown): unknown {
    return this.#yaml.isAlias(node) ? node.resolve(this.#document) : node;
  }

  #offsetOf(node: unknown): number | undefined {
    return (node as Yaml.Node | null)?.range?.[0];
  }
}
