/** `--precision bf16` where nothing multiplies it: every command that computes says so, once, before its work. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { grey, temporaryFolder, write } from '../data/pictures.js';
import { compile, runCli } from './run-cli.js';

beforeAll(compile, 60_000);

const WARNING =
  '--precision bf16 is slow on this processor: it has no bf16 arithmetic, about 20 times slower than fp32; leave it at auto';

/** How often a call says it, on a processor that LibTorch is told to take for an older one. */
async function warnings(precision: string, command: string, ...more: string[]): Promise<number> {
  const data = await temporaryFolder();
  for (const [shade, name] of [
    'train/images/a',
    'train/images/b',
    'validation/images/c',
    'validation/images/d',
  ].entries()) {
    await write(join(data, `${name}.png`), await grey(50 * shade));
    await write(join(data, `${name.replace('images', 'masks')}.png`), await grey(255));
  }
  const source = command === 'predict' ? [join(data, 'train', 'images', 'a.png'), '--point', '1,1'] : ['--data', data];
  // No such model: each ends as soon as it looks for one.
  const model = command === 'evaluate' ? ['--models', 'runs/none'] : ['--model', 'runs/none'];
  const args = [command, ...source, ...model, ...more, '--device', 'cpu', '--precision', precision];
  const { code, stderr } = await runCli(args, { cwd: data, env: { ATEN_CPU_CAPABILITY: 'avx2' } });
  expect([code, stderr]).toEqual([2, expect.stringContaining('no model runs/none: no such file or folder')]);
  return stderr.split(WARNING).length - 1;
}

test.each([
  'train',
  'predict',
  'evaluate',
  'embed',
  'tune --trials 2',
  'tune --prompts',
  'audit --folds 2',
  'split --group-by-similarity --out splits.csv',
])(
  '%s',
  async (call) => {
    const [command, ...more] = call.split(' ');
    expect(await warnings('bf16', command!, ...more)).toBe(1);
  },
  60_000,
);

test('nothing is said of a precision that was not asked for by name', async () => {
  expect(await warnings('auto', 'predict')).toBe(0);
  expect(await warnings('fp32', 'predict')).toBe(0);
}, 60_000);
