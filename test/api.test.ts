/** The package as those who install it import it: by its name. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findAddon } from '../lib/addon/native.js';
import { compile } from './cli/run-cli.js';

const run = promisify(execFile);

beforeAll(compile, 60_000);

test('what sam-native and its sub-paths export', async () => {
  // By a variable: the compiler would take the types of a build that may not be there yet.
  const [root, rough, binding] = ['sam-native', 'sam-native/rough', 'sam-native/binding'];
  expect(Object.keys((await import(binding)) as object).sort()).toEqual(['info', 'native']);
  expect(Object.keys((await import(root)) as object).sort()).toEqual([
    'ImageEmbedding',
    'SamError',
    'SamModel',
    'applyDecisions',
    'audit',
    'bench',
    'comparePrompts',
    'defaultCacheDir',
    'embedImages',
    'evaluate',
    'exportModel',
    'fitRoughMask',
    'initConfig',
    'openBands',
    'openData',
    'openImages',
    'openSplit',
    'predictImages',
    'previewPrompts',
    'readBands',
    'resolveDevice',
    'searchSettings',
    'splitData',
    'train',
  ]);
  expect(Object.keys((await import(rough)) as object).sort()).toEqual([
    'INDEX_BANDS',
    'RoughMasks',
    'aboveThreshold',
    'chebyshevDistance',
    'cleanMask',
    'dropSmall',
    'erode',
    'fillHoles',
    'hsvMask',
    'keepLargest',
    'normalisedDifference',
    'otsuThreshold',
    'rgbToHsv',
  ]);
});

/** Program of a user's, which uses what the docs say that each entry point has. */
const PROGRAM = `
import { type Hooks, type TrainOptions, SamError, SamModel } from 'sam-native';
import { type Embeddings, type NativeBinding, type RuntimeInfo, info, native } from 'sam-native/binding';
import { RoughMasks } from 'sam-native/rough';

const runtime: RuntimeInfo = info({ probeCuda: true });
const addon: NativeBinding = native();
const options: TrainOptions & { hooks?: Hooks; held?: Embeddings } = { data: 'photos' };
console.log(JSON.stringify([runtime.torch, addon.info().torch, typeof SamModel.load, SamError.name, typeof RoughMasks, options.data]));
`;

describe('the packed package', () => {
  test('has for every entry point the types of what runs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sam-native-packed-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const installed = join(folder, 'node_modules', 'sam-native');
    await mkdir(installed, { recursive: true });
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1']);
    await symlink(resolve('node_modules'), join(installed, 'node_modules'));

    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'program.ts'), PROGRAM);
    const checks = [
      '--strict',
      '--types',
      'node',
      '--exactOptionalPropertyTypes',
      '--module',
      'NodeNext',
      '--target',
      'ES2022',
    ];
    const types = ['--lib', 'ES2023,ESNext.Disposable,DOM', '--typeRoots', resolve('node_modules/@types')];
    await run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), ...checks, ...types, 'program.ts'], {
      cwd: folder,
    }).catch(({ stdout }: { stdout: string }) => expect(stdout).toBe(''));

    const env = { ...process.env, SAM_NATIVE_ADDON: findAddon() };
    const said = await run(process.execPath, ['program.js'], { cwd: folder, env });
    const torch = expect.stringMatching(/^2\./);
    expect(JSON.parse(said.stdout)).toEqual([torch, torch, 'function', 'SamError', 'function', 'photos']);
  }, 120_000);
});

describe('starting up', () => {
  /** Names of the packages whose files Node reads for a call. */
  async function packagesOf(...args: string[]): Promise<Set<string>> {
    const env = { ...process.env, NODE_DEBUG: 'module,esm' };
    const { stderr } = await run(process.execPath, args, { env, maxBuffer: 2 ** 28 });
    return new Set([...stderr.matchAll(/node_modules\/((?:@[\w-]+\/)?[\w.-]+)\//g)].map(([, name]) => name!));
  }

  test.each([
    ['--help', ['dist/cli/main.js', '--help']],
    ['train --help', ['dist/cli/main.js', 'train', '--help']],
    ['predict --help', ['dist/cli/main.js', 'predict', '--help']],
    ['import', ['--input-type=module', '--eval', "import 'sam-native'"]],
  ])('%s reads no package that only some pictures need', async (name, args) => {
    const packages = await packagesOf(...args);
    expect(packages).toContain(name === 'import' ? 'zod' : 'yargs');
    for (const late of ['geotiff', 'geotiff-geokeys-to-proj4', 'proj4', 'web-worker']) {
      expect(packages).not.toContain(late);
    }
    if (name !== 'import') expect(packages).not.toContain('sharp');
  });
});
