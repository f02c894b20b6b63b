// What the TSDoc of src says of options, for the JSON Schema: looked up by walking both side by side.
import { join } from 'node:path';

import ts from 'typescript';

import { ROOT } from './process.mjs';

/**
 * As much of JSON Schema as the walk looks at.
 *
 * @typedef {object} Node
 * @property {string | undefined} [description]
 * @property {Record<string, Node> | undefined} [properties]
 * @property {Node | undefined} [items]
 * @property {Node[] | undefined} [anyOf]
 * @property {Node[] | undefined} [oneOf]
 * @property {Record<string, Node> | undefined} [$defs]
 * @property {string | undefined} [$ref]
 * @property {string | undefined} [const]
 * @property {string[] | undefined} [enum]
 */

/**
 * Gives each property of a schema the words that the option of its name has in src: what it is, its
 * unit, its default and what the kernel calls it.
 *
 * @param {Node} schema
 * @param {object} of
 * @param {string} of.file below src
 * @param {string} of.type the type in it that the schema is of
 * @param {string} of.stays the type whose options have no default: what is left out stays as it was
 */
export function describe(schema, { file, type, stays }) {
  const docs = new Docs(join(ROOT, 'src', file));
  const { $defs = {} } = schema;
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {(node: Node, types: ts.Type[]) => void} */
  const walk = (node, types) => {
    const name = node.$ref?.replace('#/$defs/', '');
    const definition = name === undefined ? undefined : $defs[name];
    if (name !== undefined && definition && !done.has(name)) {
      done.add(name);
      walk(definition, types);
    }
    for (const part of node.anyOf ?? node.oneOf ?? []) walk(part, types);
    if (node.items) {
      const items = types.flatMap((one) => docs.itemOf(one));
      walk(node.items, items);
    }
    const { properties } = node;
    if (properties === undefined) return;
    const owner = docs.ownerOf(properties, types);
    for (const [key, property] of Object.entries(properties)) {
      const unit = property.description;
      const { words, types: inner } = docs.property(owner, key);
      const byDefault = owner.symbol?.name === stays ? 'as before' : words.byDefault;
      property.description = sentences([
        words.text,
        unit && `In ${unit}.`,
        byDefault && `Default: ${byDefault}.`,
        words.kernel && `Kernel: ${words.kernel}.`,
      ]);
      walk(property, inner);
    }
  };
  walk(schema, docs.typeOf(type));
}

/** The options of a program. */
class Docs {
  #checker;
  #source;

  /** @param {string} file */
  constructor(file) {
    const path = join(ROOT, 'tsconfig.json');
    const { config } = ts.readConfigFile(path, ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const program = ts.createProgram([file], options);
    this.#checker = program.getTypeChecker();
    this.#source = program.getSourceFile(file);
  }

  /**
   * @param {string} name of an exported interface or alias
   * @returns {ts.Type[]}
   */
  typeOf(name) {
    const module = this.#source && this.#checker.getSymbolAtLocation(this.#source);
    const found = module && this.#checker.tryGetMemberInModuleExports(name, module);
    if (!found) throw new Error(`${this.#source?.fileName} exports no ${name}`);
    return this.#parts(this.#checker.getDeclaredTypeOfSymbol(found));
  }

  /**
   * @param {ts.Type} type
   * @returns {ts.Type[]} what its elements may be, if it is a list
   */
  itemOf(type) {
    const item = this.#checker.getIndexTypeOfType(type, ts.IndexKind.Number);
    return item && this.#checker.isArrayLikeType(type) ? this.#parts(item) : [];
  }

  /**
   * @param {Record<string, Node>} properties
   * @param {ts.Type[]} types
   * @returns {ts.Type} the one that has those properties, told apart by its words
   */
  ownerOf(properties, types) {
    const keys = Object.keys(properties);
    const found = types.find((type) =>
      keys.every((key) => {
        const symbol = this.#checker.getPropertyOfType(type, key);
        if (symbol === undefined) return false;
        const { const: word, enum: words = word === undefined ? [] : [word] } =
          properties[key] ?? {};
        const literals = this.#literals(symbol);
        return literals.length === 0 || words.every((one) => literals.includes(one));
      }),
    );
    if (found === undefined) throw new Error(`no type has just these options: ${keys.join(', ')}`);
    return found;
  }

  /**
   * @param {ts.Type} owner
   * @param {string} key
   */
  property(owner, key) {
    const symbol = /** @type {ts.Symbol} */ (this.#checker.getPropertyOfType(owner, key));
    const types = this.#parts(this.#checker.getTypeOfSymbol(symbol));
    const own = this.#words(symbol);
    // The word that tells a type from others means what the type is for.
    const tells = own.text === '' && types.every((one) => one.isLiteral());
    return { words: tells ? this.#words(owner.symbol) : own, types };
  }

  /** @param {ts.Symbol} symbol */
  #words(symbol) {
    const text = plain(ts.displayPartsToString(symbol.getDocumentationComment(this.#checker)));
    const tags = symbol.getJsDocTags(this.#checker);
    /** @type {(name: string) => string | undefined} */
    const tag = (name) => {
      const found = tags.find((one) => one.name === name);
      return found && plain(ts.displayPartsToString(found.text));
    };
    return { text, byDefault: tag('default'), kernel: tag('kernel') };
  }

  /** @param {ts.Symbol} symbol */
  #literals(symbol) {
    return this.#parts(this.#checker.getTypeOfSymbol(symbol)).flatMap((type) =>
      type.isLiteral() ? [type.value] : [],
    );
  }

  /**
   * @param {ts.Type} type
   * @returns {ts.Type[]}
   */
  #parts(type) {
    return type.isUnion() ? type.types.flatMap((part) => this.#parts(part)) : [type];
  }
}

/** @param {string} text */
function plain(text) {
  return text
    .replaceAll(/\{@link ([\w.]+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** @param {(string | undefined)[]} parts */
function sentences(parts) {
  return parts.filter(Boolean).join(' ');
}
