import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeSetupRecord } from '../../lib/addon/setup-record.js';
import { type FindOptions, findLibTorch, inspectLibTorch, libraryFile } from '../../lib/setup/libtorch.js';
import { fakeLibTorch, fakeProgram, noPrograms } from './fakes.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-libtorch-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('inspectLibTorch', () => {
  test('reads the version from the headers and sees a CUDA build by its library', () => {
    const path = fakeLibTorch(join(folder, 'cpu'), '2.13.0');
    expect(inspectLibTorch(path)).toEqual({ libtorch: { path, version: '2.13.0', cuda: false } });
    const cuda = fakeLibTorch(join(folder, 'cuda'), '2.14.1', ['c10', 'torch_cpu', 'torch_cuda']);
    expect(inspectLibTorch(cuda)).toEqual({ libtorch: { path: cuda, version: '2.14.1', cuda: true } });
  });

  test.each(['2.10.2', '2.15.0', '1.13.1', '3.11.0'])('refuses version %s and says which will do', (version) => {
    const result = inspectLibTorch(fakeLibTorch(join(folder, 'old'), version));
    expect(result).toEqual({ problem: `version ${version}; 2.11 to 2.14 will do` });
  });

  test('says what is wrong with a folder that is none', () => {
    mkdirSync(join(folder, 'empty'));
    expect(inspectLibTorch(join(folder, 'gone'))).toEqual({ problem: 'no such folder' });
    expect(inspectLibTorch(join(folder, 'empty'))).toEqual({
      problem: 'no LibTorch (it needs include/ with the headers, and lib/)',
    });
    const nested = fakeLibTorch(join(folder, 'outer', 'libtorch'), '2.13.0');
    expect(inspectLibTorch(join(folder, 'outer'))).toEqual({ problem: `LibTorch is one folder further: ${nested}` });
    const cut = fakeLibTorch(join(folder, 'cut'), '2.13.0', ['c10']);
    expect(inspectLibTorch(cut)).toEqual({ problem: `incomplete: no lib/${libraryFile('torch_cpu')}` });
  });
});

describe('findLibTorch', () => {
  test('looks in the documented order', () => {
    const cacheDir = join(folder, 'cache');
    const at = (name: string) => fakeLibTorch(join(folder, name), '2.13.0');
    const bin = join(folder, 'bin');
    fakeProgram(bin, 'python3', `echo ${at('python')}`);
    writeSetupRecord(cacheDir, { libtorch: at('recorded') });
    fakeLibTorch(join(cacheDir, 'libtorch-2.13.0', 'torch'), '2.13.0');
    const env: NodeJS.ProcessEnv = { PATH: bin, SAM_NATIVE_LIBTORCH: at('own'), LIBTORCH: at('common') };
    const options: FindOptions = { explicit: at('flag'), cacheDir, env, systemFolders: [at('system')] };

    const found: (string | undefined)[] = [];
    const look = () => {
      const { libtorch, candidates } = findLibTorch(options);
      found.push(candidates.at(-1)?.source);
      return libtorch?.path;
    };
    expect(look()).toBe(join(folder, 'flag'));
    delete options.explicit;
    expect(look()).toBe(join(folder, 'own'));
    delete env.SAM_NATIVE_LIBTORCH;
    expect(look()).toBe(join(folder, 'common'));
    delete env.LIBTORCH;
    expect(look()).toBe(join(folder, 'recorded'));
    writeSetupRecord(cacheDir, {});
    expect(look()).toBe(join(folder, 'python'));
    noPrograms(bin);
    expect(look()).toBe(join(cacheDir, 'libtorch-2.13.0', 'torch'));
    rmSync(join(cacheDir, 'libtorch-2.13.0'), { recursive: true });
    expect(look()).toBe(join(folder, 'system'));
    options.systemFolders = [];
    expect(look()).toBeUndefined();
    expect(found.slice(0, 7)).toEqual([
      '--libtorch',
      'SAM_NATIVE_LIBTORCH',
      'LIBTORCH',
      'recorded choice',
      'active Python',
      'cache',
      'system',
    ]);
  });

  test('an active virtual environment goes before python3', () => {
    const venv = join(folder, 'venv');
    fakeProgram(join(venv, 'bin'), 'python', `echo ${fakeLibTorch(join(folder, 'a'), '2.13.0')}`);
    fakeProgram(join(folder, 'bin'), 'python3', `echo ${fakeLibTorch(join(folder, 'b'), '2.13.0')}`);
    const env = { PATH: join(folder, 'bin'), VIRTUAL_ENV: venv };
    expect(findLibTorch({ cacheDir: join(folder, 'cache'), env }).libtorch?.path).toBe(join(folder, 'a'));
  });

  test('goes past one that will not do, and says why', () => {
    const old = fakeLibTorch(join(folder, 'old'), '1.13.1');
    const good = fakeLibTorch(join(folder, 'good'), '2.14.0');
    const env = { PATH: folder, LIBTORCH: old };
    const { libtorch, candidates } = findLibTorch({ cacheDir: join(folder, 'cache'), env, systemFolders: [good] });
    expect(libtorch?.path).toBe(good);
    expect(candidates[0]).toEqual({ source: 'LIBTORCH', path: old, problem: 'version 1.13.1; 2.11 to 2.14 will do' });
  });

  test('the one asked for by name is used or refused, never replaced', () => {
    const old = fakeLibTorch(join(folder, 'old'), '2.9.0');
    const good = fakeLibTorch(join(folder, 'good'), '2.13.0');
    const cacheDir = join(folder, 'cache');
    const env = { PATH: folder, LIBTORCH: good };
    expect(() => findLibTorch({ explicit: old, cacheDir, env })).toThrow(/--libtorch .*old: version 2\.9\.0/);
    const named = { PATH: folder, SAM_NATIVE_LIBTORCH: join(folder, 'gone'), LIBTORCH: good };
    expect(() => findLibTorch({ cacheDir, env: named })).toThrow(/SAM_NATIVE_LIBTORCH .*gone: no such folder/);
  });
});
