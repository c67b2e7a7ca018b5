import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RuntimeInfo } from '../../binding.js';
import { CONTRACT, checkAddon, findAddon, fromNative, loadAddon, nativeCall } from '../../lib/addon/native.js';
import { writeSetupRecord } from '../../lib/addon/setup-record.js';
import { SamError } from '../../lib/core/errors.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-native-'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "sam-native", "version": "1.2.3" }');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('findAddon', () => {
  test('the named file, else the recorded one, else the command that makes one', () => {
    const env: NodeJS.ProcessEnv = { SAM_NATIVE_CACHE: join(folder, 'cache') };
    expect(() => findAddon(env, folder)).toThrow('the native addon is not built yet');
    const [recorded, named] = [join(folder, 'recorded.node'), join(folder, 'named.node')];
    writeFileSync(recorded, '');
    writeFileSync(named, '');
    writeSetupRecord(join(folder, 'cache'), { addons: { '1.2.3': recorded } });
    expect(findAddon(env, folder)).toBe(recorded);
    env.SAM_NATIVE_ADDON = named;
    expect(findAddon(env, folder)).toBe(named);
    env.SAM_NATIVE_ADDON = join(folder, 'gone.node');
    expect(() => findAddon(env, folder)).toThrow(/SAM_NATIVE_ADDON names .*gone\.node, which is not there/);
  });
});

describe('checkAddon', () => {
  const addon = (contract: number, compiledFor: string, torch: string) => ({
    contract,
    info: () => ({ compiledFor, torch }) as RuntimeInfo,
  });

  test('takes the same minor version of LibTorch', () => {
    expect(() => checkAddon(addon(CONTRACT, '2.13.0', '2.13'), 'f')).not.toThrow();
    expect(() => checkAddon(addon(CONTRACT, '2.13.0', '2.13.1'), 'f')).not.toThrow();
  });

  test('refuses another minor version and another contract', () => {
    expect(() => checkAddon(addon(CONTRACT, '2.13.0', '2.14'), 'f')).toThrow(
      'f was compiled for LibTorch 2.13.0, but LibTorch 2.14 was loaded',
    );
    expect(() => checkAddon(addon(CONTRACT, '2.1.0', '2.13'), 'f')).toThrow('was compiled for');
    expect(() => checkAddon(addon(CONTRACT + 1, '2.13.0', '2.13'), 'f')).toThrow(/another version of sam-native/);
  });
});

test('an addon that crashes is an error with the command that helps', () => {
  const file = join(folder, 'addon.cjs');
  writeFileSync(file, "process.kill(process.pid, 'SIGSEGV'); for (;;);");
  const load = () => loadAddon(file, join(folder, 'cache'));
  expect(load).toThrow(SamError);
  expect(load).toThrow(/addon\.cjs: it crashes when loaded/);
});

test('a second copy of the addon in one process keeps its code, with what helps', () => {
  const file = join(folder, 'addon.cjs');
  // Alone, as it is tried in a process of its own, it loads.
  writeFileSync(
    file,
    `exports.info = () => ({ torch: '2.13' });
    if (!process.execArgv.includes('-e')) throw Object.assign(new Error('another copy'), { code: 'SAM_SECOND_COPY' });`,
  );
  const expected = { code: 'SAM_SECOND_COPY', message: 'another copy', fix: expect.stringContaining('npm dedupe') };
  expect(() => loadAddon(file, join(folder, 'cache'))).toThrow(expect.objectContaining(expected));
});

describe('errors of the addon', () => {
  const thrown = Object.assign(new Error('no GPU'), { code: 'SAM_NO_CUDA', detail: 'driver' });

  test('become SamErrors with code, detail, cause and fix', async () => {
    const expected = { code: 'SAM_NO_CUDA', message: 'no GPU', detail: 'driver', cause: thrown, exitCode: 2 };
    await expect(nativeCall(() => Promise.reject(thrown))).rejects.toMatchObject(expected);
    const error = nativeCall(() => {
      throw thrown;
    });
    await expect(error).rejects.toBeInstanceOf(SamError);
    await expect(error).rejects.toMatchObject({ fix: expect.stringContaining('`device` cpu') });
  });

  test('others pass unchanged', () => {
    const other = new TypeError('x');
    const own = new SamError('SAM_IO', 'y');
    expect([fromNative(other), fromNative(own), fromNative('z')]).toEqual([other, own, 'z']);
  });
});
