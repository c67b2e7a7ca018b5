/**
 * Writes config.schema.json: what a config file may hold, for editors. A file is not bound to a command (`train`, `predict` and `evaluate`
 * may read the same one), so one schema has the options of all. `node scripts/generate-config-schema.mjs` after a change of options; a
 * test finds what is out of date.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { group } from 'd3-array';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const FILE = 'config.schema.json';

/** What is said of a value; our own metas would tell an editor nothing. */
const KEPT = new Set(
  (
    'type enum const anyOf items pattern minLength minimum maximum exclusiveMinimum exclusiveMaximum ' +
    'default description'
  ).split(' '),
);

/** Returns what a schema takes from a config file. */
function jsonOf(schema) {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      for (const key of Object.keys(jsonSchema)) if (!KEPT.has(key)) delete jsonSchema[key];
      if (Math.abs(jsonSchema.maximum) === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      // JSON schemas have no expressions that ignore case.
      const checks = zodSchema.def.checks ?? [];
      if (checks.some((check) => check._zod.def.pattern?.ignoreCase)) delete jsonSchema.pattern;
    },
  });
  return json;
}

/** A description with its options as a config file names them. */
const named = (text, kebab) => text.replace(/`([a-z][A-Za-z0-9]*)/g, (_, name) => `\`${kebab(name)}`);

/** The options of all commands by name, those of `train` first: what each command takes and says of it. */
async function optionsOfAll() {
  const { COMMANDS, nameIn } = await import(join(root, 'dist/cli/parser.js'));
  const all = new Map();
  const trainFirst = [...COMMANDS].sort(([a], [b]) => Number(b === 'train') - Number(a === 'train'));
  for (const [usage, , load] of trainFirst) {
    for (const [name, schema] of Object.entries((await load()).default.options)) {
      const { description, default: fallback, ...type } = jsonOf(schema);
      all.set(name, [...(all.get(name) ?? []), { command: nameIn(usage), description, fallback, type }]);
    }
  }
  return all;
}

/** What an editor shows of an option: each of its meanings with the commands that have it, and the default where there is but one. */
function property(options, kebab) {
  const said = ({ description, fallback }) =>
    `${named(description, kebab)}${fallback === undefined ? '' : ` [default: ${fallback}]`}`;
  const meanings = [...group(options, said)].map(
    ([text, all]) => `${text} (${all.map(({ command }) => command).join(', ')})`,
  );
  const types = [...new Set(options.map(({ type }) => JSON.stringify(type)))].map((json) => JSON.parse(json));
  const defaults = new Set(options.map(({ fallback }) => JSON.stringify(fallback)));
  return {
    description: meanings.join('\n'),
    ...(defaults.size === 1 && { default: options[0].fallback }),
    ...(types.length === 1 ? types[0] : { anyOf: types }),
  };
}

/** The whole file. */
export async function configSchema() {
  const { kebab } = await import(join(root, 'dist/core/suggest.js'));
  const all = await optionsOfAll();
  const properties = { $schema: { type: 'string', description: 'where an editor finds this schema' } };
  // Names of TypeScript are taken too, and not offered.
  const patternProperties = {};
  for (const [name, options] of all) {
    properties[kebab(name)] = property(options, kebab);
    if (kebab(name) !== name) patternProperties[`^${name}$`] = { $ref: `#/properties/${kebab(name)}` };
  }
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'sam-native config',
    description: 'Options of sam-native, as --config takes them. A flag goes before the file.',
    type: 'object',
    properties,
    patternProperties,
    additionalProperties: false,
  };
  const [biome, input] = [join(root, 'node_modules/.bin/biome'), JSON.stringify(schema)];
  return execFileSync(biome, ['format', `--stdin-file-path=${FILE}`], { cwd: root, input, encoding: 'utf8' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' });
  writeFileSync(join(root, FILE), await configSchema());
}
