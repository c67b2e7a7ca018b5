/** The command line with CUDA libraries and no GPU: the real addon, but for what it says of CUDA. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findAddon } from '../../lib/addon/native.js';
import { writePicture } from '../models/support.js';
import { compile, type Outcome, runCli } from './run-cli.js';

let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  compile();
  folder = mkdtempSync(join(tmpdir(), 'sam-no-gpu-'));
  const addon = join(folder, 'addon.cjs');
  writeFileSync(
    addon,
    `const real = require(${JSON.stringify(findAddon())});
     const info = (options) => {
       const cuda = { library: options?.probeCuda === true, available: false, devices: [] };
       return { ...real.info(), cuda };
     };
     module.exports = { ...real, info };`,
  );
  env = { SAM_NATIVE_ADDON: addon };
  await writePicture(join(folder, 'picture.png'), 90, 64);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (device: string, ...args: string[]): Promise<Outcome> => runCli([...args, '--device', device], { env });
const predict = (device: string) =>
  run(
    device,
    'predict',
    join(folder, 'picture.png'),
    '--model',
    'mobile-sam',
    '--point',
    '9,9,1',
    '--out',
    join(folder, 'masks'),
  );

test('--device cuda fails with one line, before anything is made', async () => {
  const out = join(folder, 'run');
  const reason = '--device cuda: no usable GPU: CUDA libraries found, no device';
  const failed = await run('cuda', 'train', '--data', folder, '--model', 'mobile-sam', '--out', out, '--json');
  expect(failed.code).toBe(2);
  expect(failed.json()).toMatchObject({ error: { code: 'SAM_NO_CUDA', message: reason } });
  expect(failed.stderr.split('\n')).toEqual([expect.stringContaining(`error: ${reason} — use --device cpu`), '']);
  expect(existsSync(out)).toBe(false);
  expect(await predict('cuda')).toMatchObject({ code: 2, stdout: '' });
});

test('--device auto takes the CPU and says so once; --device cpu has nothing to say', async () => {
  const auto = await predict('auto');
  expect(auto.code).toBe(0);
  expect(auto.stderr.match(/CUDA libraries found, no device; computing on the CPU/g)).toHaveLength(1);
  const cpu = await predict('cpu');
  expect(cpu.code).toBe(0);
  expect(cpu.stderr).not.toContain('CUDA');
});

test('train says so too', async () => {
  const failed = await run('auto', 'train', '--data', join(folder, 'none'), '--model', 'mobile-sam');
  expect(failed.stderr).toMatch(
    /^CUDA libraries found, no device; computing on the CPU\nerror: there is no data folder/,
  );
});
