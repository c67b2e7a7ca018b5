import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findAddon } from '../../lib/addon/native.js';
import { readSetupRecord } from '../../lib/addon/setup-record.js';
import { tryAddon } from '../../lib/addon/try-addon.js';
import { addonFile, isUpToDate } from '../../lib/setup/addon-files.js';
import { type SetupOptions, setup } from '../../lib/setup/setup.js';
import { fakeLibTorch, fakePrebuild } from './fakes.js';

/** A package with a real, tiny addon in C: what is tested is the way to it, not LibTorch. */
let folder: string;
let root: string;
let cacheDir: string;
let libtorch: string;
let said: string[];

const CMAKE = `cmake_minimum_required(VERSION 3.18)
project(tiny LANGUAGES C)
add_library(sam_native MODULE native/addon.c)
set_target_properties(sam_native PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(sam_native PRIVATE \${CMAKE_JS_INC})
`;

const addonSource = (version: string, onLoad = '') => `#include <node_api.h>
#include <stdlib.h>
static napi_value Info(napi_env env, napi_callback_info arguments) {
  napi_value result, version;
  (void)arguments;
  napi_create_object(env, &result);
  napi_create_string_utf8(env, "${version}", NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, result, "torch", version);
  return result;
}
NAPI_MODULE_INIT() {
  napi_value info;
  ${onLoad}
  napi_create_function(env, "info", NAPI_AUTO_LENGTH, Info, NULL, &info);
  napi_set_named_property(env, exports, "info", info);
  return exports;
}
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-setup-'));
  root = join(folder, 'package');
  cacheDir = join(folder, 'cache');
  libtorch = fakeLibTorch(join(folder, 'torch'), '2.13.0');
  said = [];
  for (const name of ['native', 'cmake', 'lib']) mkdirSync(join(root, name), { recursive: true });
  const manifest = { name: 'sam-native', version: '1.2.3', binary: { napi_versions: [8] } };
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(root, 'CMakeLists.txt'), CMAKE);
  writeFileSync(join(root, 'lib', 'index.ts'), '');
  writeFileSync(join(root, 'native', 'addon.c'), addonSource('2.13'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function run(more: Partial<SetupOptions> = {}) {
  const reporter = { say: (line: string) => void said.push(line), task: () => ({ update() {}, end() {} }) };
  return setup({ libtorch, root, cacheDir, reporter, consent: async () => false, ...more });
}

const built = () => addonFile(join(root, 'build', 'Release'));

test('builds once, and again when sources or LibTorch change', async () => {
  expect(isUpToDate(root, cacheDir, {})).toBe(false);
  const first = await run();
  expect(first).toMatchObject({ addon: { path: built(), how: 'built' }, libtorch: { version: '2.13.0' } });
  expect(readSetupRecord(cacheDir).libtorch).toBe(libtorch);
  expect(isUpToDate(root, cacheDir, {})).toBe(true);
  expect((await run()).addon.how).toBe('unchanged');
  expect((await run({ force: true })).addon.how).toBe('built');

  writeFileSync(join(root, 'native', 'addon.c'), addonSource('2.13.1'));
  expect(isUpToDate(root, cacheDir, {})).toBe(false);
  expect((await run()).addon.how).toBe('built');
  expect(isUpToDate(root, cacheDir, {})).toBe(true);

  const other = fakeLibTorch(join(folder, 'other'), '2.14.0');
  expect(isUpToDate(root, cacheDir, { LIBTORCH: other })).toBe(false);
  expect(isUpToDate(root, cacheDir, { LIBTORCH: join(folder, 'gone') })).toBe(true);
  expect((await run({ libtorch: other })).addon.how).toBe('built');
  rmSync(other, { recursive: true });
  expect(isUpToDate(root, cacheDir, {})).toBe(false);
});

test('a build that fails, or crashes when loaded, leaves the working one', async () => {
  await run();
  const working = readFileSync(built());
  // CMake wraps its messages.
  const long = 'LibTorch: this is not the one that will do, '.repeat(4).trim();

  writeFileSync(join(root, 'native', 'addon.c'), `${addonSource('2.13')}\n#error "no such luck"`);
  await expect(run()).rejects.toMatchObject({
    code: 'SAM_NO_ADDON',
    message: expect.stringMatching(/does not compile: .*addon\.c:.*error: .*no such luck/),
    fix: expect.stringContaining('error.log'),
  });
  writeFileSync(join(root, 'native', 'addon.c'), addonSource('2.13', 'abort();'));
  await expect(run()).rejects.toThrow('the new addon does not work: it crashes when loaded');
  writeFileSync(join(root, 'CMakeLists.txt'), `${CMAKE}message(FATAL_ERROR "${long}")\n`);
  await expect(run()).rejects.toThrow(`CMake could not configure the addon: ${long}`);

  expect(readFileSync(built()).equals(working)).toBe(true);
  expect(isUpToDate(root, cacheDir, {})).toBe(false);
  writeFileSync(join(root, 'CMakeLists.txt'), CMAKE);
  writeFileSync(join(root, 'native', 'addon.c'), addonSource('2.13'));
  // Back to the sources that the working one was made from.
  expect((await run()).addon.how).toBe('unchanged');
});

test('an installed package is left alone: its addon lies in the cache, and is found there', async () => {
  rmSync(join(root, 'lib'), { recursive: true });
  const { addon } = await run();
  expect(existsSync(join(root, 'build'))).toBe(false);
  expect(addon.path.startsWith(join(cacheDir, 'addon-1.2.3-'))).toBe(true);
  expect(findAddon({ SAM_NATIVE_CACHE: cacheDir }, root)).toBe(addon.path);
  expect(isUpToDate(root, cacheDir, {})).toBe(true);
  expect((await run()).addon.how).toBe('unchanged');
});

test('an installed package takes a prebuild of the same minor version of LibTorch', async () => {
  await run();
  fakePrebuild(root, '2.13', readFileSync(built()));
  for (const name of ['lib', 'build', 'native/addon.c']) rmSync(join(root, name), { recursive: true });

  const { addon } = await run();
  expect(addon.how).toBe('prebuilt');
  expect(tryAddon(addon.path, cacheDir)).toBeUndefined();
  // Its run path is $ORIGIN/libtorch/lib.
  expect(existsSync(join(addon.path, '..', 'libtorch', 'include', 'torch'))).toBe(true);

  libtorch = fakeLibTorch(join(folder, 'newer'), '2.14.0');
  await expect(run()).rejects.toMatchObject({ code: 'SAM_NO_ADDON' });
});

test('a prebuild that is damaged, or crashes here, is passed over with a line: the addon is compiled', async () => {
  rmSync(join(root, 'lib'), { recursive: true });
  fakePrebuild(root, '2.13', Buffer.from('not the one of the checksum'), { sha256: '0'.repeat(64) });
  expect((await run()).addon.how).toBe('built');
  expect(said).toContainEqual(expect.stringMatching(/ is damaged: its checksum is another: compiling the addon$/));

  fakePrebuild(root, '2.13', Buffer.from('no addon at all'));
  expect((await run({ force: true })).addon.how).toBe('built');
  expect(said).toContainEqual(expect.stringMatching(/ does not work here \(.+\): compiling the addon$/));
});

test('with neither prebuild nor compiler, one line says what to do', async () => {
  rmSync(join(root, 'lib'), { recursive: true });
  fakePrebuild(root, '2.14', Buffer.from('an addon'));
  vi.stubEnv('PATH', join(folder, 'nothing'));
  await expect(run()).rejects.toMatchObject({
    code: 'SAM_NO_ADDON',
    message:
      `the package brings no prebuild for LibTorch 2.13 on ${process.platform}-${process.arch} (there are some for 2.14), ` +
      'and compiling the addon needs CMake 3.18 or newer and a C++20 compiler and make or ninja',
    fix: 'apt-get install cmake g++ make (Debian, Ubuntu; elsewhere by other names), then npx sam-native setup',
  });
});

test('two at once: the second waits and has nothing left to do', async () => {
  const both = await Promise.all([run(), run()]);
  expect(both.map(({ addon }) => addon.how).sort()).toEqual(['built', 'unchanged']);
  expect(said).toContain(`waiting for the setup of process ${process.pid}`);
  expect(existsSync(join(root, 'build', 'setup.lock'))).toBe(false);
});

test('a lock of a process that is gone is taken over', async () => {
  mkdirSync(join(root, 'build'));
  writeFileSync(join(root, 'build', 'setup.lock'), '999999999');
  expect((await run()).addon.how).toBe('built');
});
