import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tryAddon } from '../../lib/addon/try-addon.js';

let folder: string;
let cacheDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-trial-'));
  cacheDir = join(folder, 'cache');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Loading goes through `require`, which takes a script as well as a library. */
function addon(code: string): string {
  const file = join(folder, 'addon.cjs');
  writeFileSync(file, code);
  return file;
}

test('one that loads is tried once and remembered until it changes', () => {
  const log = join(folder, 'log');
  const code = `require('fs').appendFileSync(${JSON.stringify(log)}, 'x'); exports.info = () => ({ torch: '2.13' });`;
  const file = addon(code);
  expect(tryAddon(file, cacheDir)).toBeUndefined();
  expect(tryAddon(file, cacheDir)).toBeUndefined();
  expect(readFileSync(log, 'utf8')).toBe('x');
  expect(tryAddon(addon(`${code} // rebuilt`), cacheDir)).toBeUndefined();
  expect(readFileSync(log, 'utf8')).toBe('xx');
});

test('a crash is a message, told again each time', () => {
  const file = addon("process.kill(process.pid, 'SIGSEGV'); for (;;);");
  expect(tryAddon(file, cacheDir)).toBe('it crashes when loaded (SIGSEGV)');
  expect(tryAddon(file, cacheDir)).toBe('it crashes when loaded (SIGSEGV)');
});

test('a missing library and any other failure are named', () => {
  const missing = 'libtorch_cpu.so: cannot open shared object file: No such file or directory';
  expect(tryAddon(addon(`throw new Error('${missing}')`), cacheDir)).toBe(
    'the library libtorch_cpu.so that it needs is not there any more',
  );
  expect(tryAddon(addon("throw new Error('module version mismatch')"), cacheDir)).toBe('module version mismatch');
});
