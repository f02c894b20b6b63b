// node-damon.schema.json: what a configuration file may say, for editors and other validators.
//
// Made of the very schemas that read a configuration, in its compiled form. What they check across
// fields, and what a text with a unit amounts to, a JSON Schema cannot tell: `node-damon check` can.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { toJsonSchema } from '@valibot/to-json-schema';

import { describe } from './option-docs.mjs';
import { ROOT } from './process.mjs';

/** @typedef {import('valibot').GenericSchema} Schema */
/** @typedef {import('@valibot/to-json-schema').ConversionConfig} Config */
/** @typedef {import('@valibot/to-json-schema').JsonSchema} JsonSchema */

/** What has no like in JSON Schema: these look at values, or at several fields. */
const CHECKS = ['check', 'check_items', 'partial_check', 'raw_check', 'raw_transform', 'transform'];

/**
 * @param {string} file below dist
 * @param {string} name of what it exports
 * @returns {Promise<Schema>}
 */
async function compiled(file, name) {
  const module = await import(pathToFileURL(join(ROOT, 'dist', file)).href);
  if (!module[name]) throw new Error(`dist/${file} exports no ${name}`);
  return module[name];
}

/** @returns {Promise<string>} the file */
export async function generateJsonSchema() {
  const runConfigSchema = await compiled('config/config.js', 'runConfigSchema');
  const definitions = {
    attrs: await compiled('monitor/attrs.js', 'attrsSchema'),
    goal: await compiled('goal/goal.js', 'goalSchema'),
    scheme: await compiled('scheme/scheme.js', 'schemeSchema'),
  };
  /** @type {Config} */
  const config = {
    typeMode: 'input',
    ignoreActions: CHECKS,
    overrideSchema: ({ valibotSchema, jsonSchema, errors }) => {
      const { type, alternatives } = /** @type {{ type: string, alternatives?: Schema[] }} */ (
        /** @type {unknown} */ (valibotSchema)
      );
      if (type === 'lazy') {
        if (!alternatives) throw new Error('a lazy schema is not made by `choice` of validate.ts');
        const [first = {}, ...others] = alternatives.map((part) =>
          bare(toJsonSchema(part, config)),
        );
        return others.length === 0 ? first : { anyOf: [first, ...others] };
      }
      // What only a program can give: `bigint` addresses, whose alternatives say all that is left.
      return errors && type === 'bigint' ? jsonSchema : undefined;
    },
  };
  const schema = toJsonSchema(runConfigSchema, { ...config, definitions });
  forgetDefaults(schema);
  const page = structuredClone({
    $schema: schema.$schema,
    title: 'A run of node-damon',
    description:
      'What is monitored, what is done about it, until when, and what changes on the way.',
    ...bare(schema),
    $defs: used(schema),
  });
  describe(/** @type {import('./option-docs.mjs').Node} */ (page), {
    file: 'config/config.ts',
    type: 'RunConfig',
    stays: 'CommitOptions',
  });
  return JSON.stringify(page);
}

/**
 * What a commit leaves out stays as it was: the fields of one have no defaults.
 *
 * @param {any} schema of a run
 */
function forgetDefaults({ properties }) {
  const fields = properties.changes.items.properties.commit.properties;
  for (const field of Object.values(fields)) delete field.default;
}

/**
 * @param {JsonSchema} schema
 * @returns {JsonSchema} without what stands at the top only
 */
function bare({ $schema: _schema, $defs: _defs, ...schema }) {
  return schema;
}

/**
 * The definitions that something refers to: the conversion of a choice leaves others behind.
 *
 * @param {JsonSchema} schema
 */
function used(schema) {
  const text = JSON.stringify(bare(schema)) + JSON.stringify(schema.$defs?.['scheme']);
  const entries = Object.entries(schema.$defs ?? {});
  return Object.fromEntries(entries.filter(([name]) => text.includes(`"#/$defs/${name}"`)));
}
