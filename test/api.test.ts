/** The package as those who install it import it: by its name. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile } from './cli/run-cli.js';

const run = promisify(execFile);

beforeAll(compile, 60_000);

test('what sam-native and its sub-paths export', async () => {
  // By a variable: the compiler would take the types of a build that may not be there yet.
  const [root, rough, binding] = ['sam-native', 'sam-native/rough', 'sam-native/binding'];
  expect(Object.keys((await import(binding)) as object).sort()).toEqual(['info', 'native']);
  expect(Object.keys((await import(root)) as object).sort()).toEqual([
    'ImageEmbedding',
    'Prediction',
    'SamError',
    'SamModel',
    'applyDecisions',
    'audit',
    'bench',
    'comparePrompts',
    'defaultCacheDir',
    'doctor',
    'embedImages',
    'evaluate',
    'exportModel',
    'fitRoughMask',
    'info',
    'initConfig',
    'openBands',
    'openData',
    'openImages',
    'openSplit',
    'predictImages',
    'previewPrompts',
    'pushModel',
    'readBands',
    'resolveDevice',
    'searchSettings',
    'setup',
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

test('CommonJS requires it', async () => {
  const program = "const { SamModel } = require('sam-native'); console.log(typeof SamModel.load)";
  expect((await run(process.execPath, ['--eval', program])).stdout).toBe('function\n');
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
