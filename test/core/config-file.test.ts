/** Config files that commands write: where editors find their schema. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { schemaComment, writeConfigFile } from '../../lib/core/config-file.js';
import { temporaryFolder, write } from '../data/pictures.js';

/** The schema's place in a comment, which has to be what an editor looks for. */
function placeIn(comment: string): string {
  return /^# yaml-language-server: \$schema=(\S+)$/.exec(comment)![1]!;
}

test('in the project that has the package: a path from the config, wherever that lies in it', async () => {
  const project = await temporaryFolder();
  const root = join(project, 'node_modules', 'sam-native');
  await write(join(root, 'config.schema.json'), '{}');
  const place = (config: string) => placeIn(schemaComment(join(project, config), root));
  expect(place('sam-native.yaml')).toBe('./node_modules/sam-native/config.schema.json');
  expect(place('runs/tune/config.yaml')).toBe('../../node_modules/sam-native/config.schema.json');
  for (const config of ['a.yaml', 'runs/tune/config.yaml']) {
    expect(existsSync(resolve(dirname(join(project, config)), place(config)))).toBe(true);
  }
});

test('a package in a store, linked into the project: by the link', async () => {
  const project = await temporaryFolder();
  const root = join(project, 'node_modules', '.pnpm', 'sam-native@0.1.0', 'node_modules', 'sam-native');
  await write(join(root, 'config.schema.json'), '{}');
  await write(join(project, 'node_modules', 'sam-native', 'config.schema.json'), '{}');
  const place = placeIn(schemaComment(join(project, 'a.yaml'), root));
  expect(place).toBe('./node_modules/sam-native/config.schema.json');
});

test('elsewhere, or where a path would need blanks: the place of the package itself', async () => {
  const project = join(await temporaryFolder(), 'my project');
  const root = join(project, 'node_modules', 'sam-native');
  const schema = await write(join(root, 'config.schema.json'), '{}');
  const outside = placeIn(schemaComment(join(await temporaryFolder(), 'a.yaml'), root));
  expect(fileURLToPath(outside)).toBe(schema);
  expect(fileURLToPath(placeIn(schemaComment('/elsewhere/a.yaml')))).toBe(resolve('config.schema.json'));
});

test('options by their names on the command line, those that are not given left out', async () => {
  const path = join(await temporaryFolder(), 'deep', 'a.yaml');
  await writeConfigFile(path, 'a title', { batchSize: 4, hue: undefined, lr: 2e-5, cache: false });
  const text = await readFile(path, 'utf8');
  expect(text.split('\n').slice(0, 2)).toEqual([schemaComment(path), '# a title']);
  expect(parse(text)).toEqual({ 'batch-size': 4, lr: 2e-5, cache: false });
});
