/**
 * Writes lib/option-types.ts: what each task may be told, as interfaces with the descriptions and defaults of the zod schemas, so
 * that an editor shows them. `node scripts/generate-option-types.mjs` after a change of options; a test finds what is out of date.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const FILE = 'lib/option-types.ts';

const HEAD = `/**
 * What each task may be told. Made by scripts/generate-option-types.mjs from the schemas in lib/options.ts and beside each task: change
 * those, then run it.
 */
`;

const FILLED = `
/** \`Options\` with the defaults of \`Names\` filled in. */
export type Filled<Options, Names extends keyof Options> = Omit<Options, Names> & {
  [Name in Names]-?: Exclude<Options[Name], undefined>;
};
`;

/** Options that several tasks have in common, and the tasks: the name of each interface, what it is, and its schemas. */
async function tables() {
  const load = (path) => import(join(root, 'dist', path));
  const options = await load('options.js');
  const [audit, bench, comparison, embed, evaluate, exporting, fit, init, predict, preview, search, split] =
    await Promise.all([
      load('tasks/audit/options.js'),
      load('tasks/bench/options.js'),
      load('tasks/prompt-comparison/options.js'),
      load('embeddings/embed-options.js'),
      load('tasks/evaluate/options.js'),
      load('tasks/export/options.js'),
      load('tasks/rough-thresholds/options.js'),
      load('tasks/init/options.js'),
      load('prediction/predict-options.js'),
      load('tasks/preview/options.js'),
      load('tasks/search/options.js'),
      load('tasks/split/options.js'),
    ]);
  const shared = [
    ['SourceOptions', 'Which data set, and what of it.', options.sourceOptions],
    [
      'DataOptions',
      'Which data set, and which samples of it are for training and which for validation.',
      options.dataOptions,
    ],
    ['ModelOptions', 'Which model, where it computes, and where embeddings are kept.', options.modelOptions],
    ['RoughOptions', 'Where rough masks come from, and which of them become prompts.', options.roughOptions],
    ['PromptOptions', 'Which prompts are drawn, and from what.', options.promptOptions],
    ['OptimiserOptions', 'What is optimised, and how.', options.optimiserOptions],
    ['RunOptions', 'Where a run is kept.', options.runOptions],
  ];
  const tasks = [
    ['TrainOptions', 'Options of {@link train}.', options.trainOptionsSchema.shape],
    ['InitOptions', 'Options of {@link initConfig}.', init.initOptionsSchema.shape],
    ['SearchOptions', 'Options of {@link searchSettings}.', search.searchOptionsSchema.shape],
    ['ComparisonOptions', 'Options of {@link comparePrompts}.', comparison.comparisonOptionsSchema.shape],
    ['SplitDataOptions', 'Options of {@link splitData}.', split.splitDataOptionsSchema.shape],
    ['EmbedImagesOptions', 'Options of {@link embedImages}.', embed.embedImagesOptionsSchema.shape],
    ['EvaluateOptions', 'Options of {@link evaluate}.', evaluate.evaluateOptionsSchema.shape],
    ['AuditOptions', 'Options of {@link audit}.', audit.auditOptionsSchema.shape],
    ['PredictImagesOptions', 'Options of {@link predictImages}.', predict.predictImagesOptionsSchema.shape],
    ['PreviewOptions', 'Options of {@link previewPrompts}.', preview.previewOptionsSchema.shape],
    ['FitRoughMaskOptions', 'Options of {@link fitRoughMask}.', fit.fitRoughMaskOptionsSchema.shape],
    ['ExportOptions', 'Options of {@link exportModel}.', exporting.exportOptionsSchema.shape],
    ['BenchOptions', 'Options of {@link bench}.', bench.benchOptionsSchema.shape],
  ];
  return { shared, tasks };
}

/** Type that a caller may write for a schema. */
function typeOf(schema) {
  const { def } = schema;
  switch (def.type) {
    case 'optional':
    case 'default':
      return typeOf(def.innerType);
    case 'pipe':
      return typeOf(def.in);
    case 'enum':
      return Object.values(def.entries).map(quoted).join(' | ');
    case 'literal':
      return def.values.map((value) => (typeof value === 'string' ? quoted(value) : String(value))).join(' | ');
    case 'union':
      return def.options.map(typeOf).join(' | ');
    case 'readonly':
      return `readonly ${typeOf(def.innerType)}`;
    case 'array': {
      const item = typeOf(def.element);
      return /^\w+$/.test(item) ? `${item}[]` : `(${item})[]`;
    }
    case 'tuple':
      return `[${def.items.map(typeOf).join(', ')}]`;
    case 'string':
    case 'number':
    case 'boolean':
      return def.type;
    default:
      throw new Error(`no type for a schema of the kind ${def.type}`);
  }
}

const quoted = (text) => `'${text}'`;

/** What a schema says of itself, wrappers included. */
function metaOf(schema) {
  let [description, fallback, optional] = [undefined, undefined, false];
  for (let inner = schema; inner !== undefined; inner = inner.def.innerType) {
    description ??= inner.description;
    if (inner.def.type === 'default') fallback = inner.def.defaultValue;
    optional ||= inner.def.type === 'default' || inner.def.type === 'optional';
  }
  return { description, fallback, optional };
}

/** A description with its patterns of paths as code, a capital, a full stop. */
function sentence(description) {
  const marked = description.replace(/[\w/]*<\w+>[\w/{},.*-]*[\w}*]/g, (name) => `\`${name}\``);
  return `${marked[0].toUpperCase()}${marked.slice(1)}.`;
}

const signature = (schema) => `${metaOf(schema).optional ? '?' : ''}: ${typeOf(schema)}`;

function member([name, schema]) {
  const { description, fallback, optional } = metaOf(schema);
  if (description === undefined) throw new Error(`option ${name} has no description`);
  const lines = [sentence(description)];
  if (fallback !== undefined) lines.push('', `@default ${JSON.stringify(fallback).replaceAll('"', "'")}`);
  const comment =
    lines.length === 1 ? `/** ${lines[0]} */` : `/**\n${lines.map((line) => ` * ${line}`).join('\n')}\n */`;
  return `${comment}\n${name}${signature(schema)}${optional ? ' | undefined' : ''};`;
}

/** Interface of a shape: its members, but for those that the shared ones it holds whole have already. */
function interfaceOf([name, text, shape], shared) {
  const holds = (other) =>
    Object.entries(other).every(([key, schema]) => key in shape && signature(shape[key]) === signature(schema));
  const held = shared.filter(([other, , its]) => other !== name && holds(its));
  const parents = held.filter(
    ([, , its]) => !held.some(([, , more]) => more !== its && Object.keys(its).every((key) => key in more)),
  );
  const known = (key, schema) => parents.some(([, , its]) => its[key] === schema);
  const own = Object.entries(shape).filter(([key, schema]) => !known(key, schema));
  const base = parents.length === 0 ? '' : ` extends ${parents.map(([parent]) => parent).join(', ')}`;
  return `/** ${text} */\nexport interface ${name}${base} {\n${own.map(member).join('\n')}\n}\n`;
}

/** Options with their defaults, of those that results hold. */
function resolvedOf([name, , shape]) {
  const names = Object.entries(shape).filter(([, schema]) => metaOf(schema).fallback !== undefined);
  const union = names.map(([key]) => quoted(key)).join(' | ');
  return `/** {@link ${name}} with the defaults filled in. */\nexport type Resolved${name} = Filled<${name}, ${union}>;\n`;
}

/** The whole file. */
export async function optionTypes() {
  const { shared, tasks } = await tables();
  const resolved = shared.filter(([name]) => /^(Prompt|Rough)/.test(name));
  const parts = [...[...shared, ...tasks].map((one) => interfaceOf(one, shared)), ...resolved.map(resolvedOf)];
  const biome = join(root, 'node_modules/.bin/biome');
  const input = `${HEAD}${FILLED}\n${parts.join('\n')}`;
  return execFileSync(biome, ['format', `--stdin-file-path=${FILE}`], { cwd: root, input, encoding: 'utf8' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // It writes dist/ even where the interfaces as they were no longer fit.
  spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: root, stdio: 'inherit' });
  writeFileSync(join(root, FILE), await optionTypes());
}
