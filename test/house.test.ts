/** The house as CONTRIBUTING.md draws it: every room is named there, in the order of the floors that lint guards. */
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const CONFIG = '.dependency-cruiser.mjs';

/** Rooms that a table of CONTRIBUTING.md names, in its order. */
async function roomsNamed(root: string): Promise<string[]> {
  const text = await readFile('CONTRIBUTING.md', 'utf8');
  return [...text.matchAll(new RegExp(`^\\| \`${root}/([\\w-]+)(?:/|\\.ts)\` \\|`, 'gm'))].map(([, room]) => room!);
}

/** Folders of a root, and with `files` its own sources. */
async function roomsThere(root: string, files: boolean): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() || (files && entry.name.endsWith('.ts')))
    .map(({ name }) => name.replace(/\.ts$/, ''));
}

test('every room of lib/ is named in CONTRIBUTING.md, in the order of its floors', async () => {
  const named = await roomsNamed('lib');
  expect([...named].sort()).toEqual((await roomsThere('lib', true)).sort());
  const [, floors] = /const FLOORS = \[([^\]]*)\]/.exec(await readFile(CONFIG, 'utf8'))!;
  expect(named).toEqual([...floors!.matchAll(/'([^']+)'/g)].map(([, room]) => room));
});

test('every room of native/ is named in CONTRIBUTING.md', async () => {
  expect((await roomsNamed('native')).sort()).toEqual((await roomsThere('native', false)).sort());
});

describe('the guard', () => {
  let copy = '';

  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'sam-house-'));
    for (const name of ['lib', 'binding.d.ts', 'package.json', 'tsconfig.json', CONFIG]) {
      await cp(name, join(copy, name), { recursive: true });
    }
    await symlink(resolve('node_modules'), join(copy, 'node_modules'));
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  /** What `npm run lint` says of the imports in the copy. */
  async function verdict(): Promise<string> {
    const program = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const call = promisify(execFile)(process.execPath, [program, '--config', CONFIG, 'lib'], { cwd: copy });
    return call.then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => `refused\n${error.stdout}`,
    );
  }

  test('lets the house pass, and names an import that goes up and one that closes a circle', async () => {
    expect(await verdict()).not.toContain('refused');
    await appendFile(join(copy, 'lib/core/format.ts'), "export type { Sample } from '../data/sample.js';\n");
    await appendFile(join(copy, 'lib/core/errors.ts'), "export type { Hooks } from './hooks.js';\n");
    await appendFile(join(copy, 'lib/core/hooks.ts'), "export type { SamError } from './errors.js';\n");
    const said = await verdict();
    expect(said).toContain('refused');
    expect(said).toMatch(/core-imports-only-from-below: lib\/core\/format\.ts → lib\/data\/sample\.ts/);
    expect(said).toMatch(/no-circles: lib\/core\/(errors|hooks)\.ts/);
  });
});
