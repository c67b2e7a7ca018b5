/** The schema by which editors complete config files: it is current, and takes what the command line takes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parse as parseCall } from '../lib/cli/parser.js';
import { camel } from '../lib/core/suggest.js';
import { PRESETS } from '../lib/options.js';
import { compile } from './cli/run-cli.js';
import { temporaryFolder, write } from './data/pictures.js';

interface Property {
  description: string;
  default?: unknown;
}
const schema = JSON.parse(await readFile('config.schema.json', 'utf8')) as { properties: Record<string, Property> };
const takes = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

/** Whether the command line takes a config, as a file of this name. */
async function isRead(name: string, text: string, command = 'train'): Promise<boolean> {
  const file = await write(join(await temporaryFolder(), name), text);
  return parseCall([command, '--config', file], (found, argv) => found.read(argv)).then(
    () => true,
    () => false,
  );
}

test('config.schema.json is what scripts/generate-config-schema.mjs writes', async () => {
  compile();
  const { configSchema } = await import('../scripts/generate-config-schema.mjs');
  expect(await readFile('config.schema.json', 'utf8')).toBe(await configSchema());
});

test('it has every option, each with its meaning and commands; its defaults are values that it takes', () => {
  const names = Object.keys(schema.properties);
  expect(names).toEqual(expect.arrayContaining(['data', 'batch-size', 'lrs', 'prompt-kinds', 'cache-max', '$schema']));
  expect(names.length).toBeGreaterThan(110);
  for (const [name, { description, default: fallback }] of Object.entries(schema.properties)) {
    if (name !== '$schema') expect(description, name).toMatch(/ \([a-z, ]+\)$/);
    if (fallback !== undefined) expect({ name, is: takes({ [name]: fallback }) }).toEqual({ name, is: true });
  }
  expect(schema.properties['batch-size']).toMatchObject({ default: 4, description: expect.stringContaining('images') });
  expect(schema.properties.schedule).toMatchObject({ enum: expect.arrayContaining(['cosine']) });
  expect(schema.properties.lr!.description).toMatch(/0\.00002\] \(train, tune\)\n.*0\.0001\] \(audit\)/);
});

test('it takes the example, the preset, and names as in TypeScript', async () => {
  expect(takes(parse(await readFile('examples/config.yaml', 'utf8')))).toBe(true);
  expect(takes({ ...PRESETS.article })).toBe(true);
  expect(takes({ cacheMax: '20gb', $schema: './x.json' })).toBe(true);
});

describe('it agrees with the command line on', () => {
  const cases: [string, boolean, string?][] = [
    ['epochs: 3', true],
    ['epochs: 0', false],
    ['epochs: 1.5', false],
    ['epochs: many', false],
    ['epohcs: 3', false],
    ['lr: 0', false],
    ['schedule: cosine', true],
    ['schedule: cosinus', false],
    ['threshold: otsu', true],
    ['threshold: 0.2', true],
    ['threshold: half', false],
    ['nir: 4', true],
    ['nir: B08', true],
    ['validation-fraction: 1', false],
    ['cache: false', true],
    ['class: "#ff8000"', true],
    ['class: "#ff80"', false],
    ['cache-max: 20gb', true],
    ['models: [a, b]', true, 'evaluate'],
    ['models: a,b', true, 'evaluate'],
    ['prompt-kinds: [box, automatic]', true, 'evaluate'],
    ['group-by-similarity: true', true, 'split'],
    ['split: [train, test]', true, 'split'],
  ];
  beforeAll(compile);
  test.each(cases)('%s: %s', async (line, expected, command) => {
    const isTrain = command === undefined;
    expect(takes(parse(line))).toBe(expected);
    expect(
      await isRead(
        'a.yaml',
        `${isTrain || command === 'split' || command === 'evaluate' ? 'data: x\n' : ''}${line}`,
        command,
      ),
    ).toBe(expected);
  });
});

test('a JSON config may name its schema, as editors want it', async () => {
  const text = JSON.stringify({ $schema: './node_modules/sam-native/config.schema.json', data: 'x', batchSize: 2 });
  expect(takes(JSON.parse(text))).toBe(true);
  expect(await isRead('a.json', text)).toBe(true);
  expect(await isRead('a.json', text.replace('$schema', '$scheme'))).toBe(false);
});

test('names in two forms mean the same option', () => {
  for (const name of Object.keys(schema.properties)) {
    const wrong = { [camel(name)]: { no: 'option' } };
    expect({ name, is: takes(wrong) }).toEqual({ name, is: false });
  }
});
