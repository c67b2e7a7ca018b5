/** The compiler doesn't see the scripts: what they take from the package must be there. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { compile } from '../cli/run-cli.js';

const IMPORT = /import \{([^}]*)\} from '(\.[^']*\/dist\/[^']*)'/g;

test('scripts import what the package exports', async () => {
  compile();
  const missing: string[] = [];
  let seen = 0;
  for (const name of await readdir('scripts', { recursive: true })) {
    if (!name.endsWith('.mjs')) continue;
    const file = join('scripts', name);
    for (const [, names, path] of (await readFile(file, 'utf8')).matchAll(IMPORT)) {
      const exported = (await import(resolve(dirname(file), path!))) as object;
      for (const one of names!.split(',').map((text) => text.trim().split(' as ')[0]!)) {
        seen++;
        if (one !== '' && !(one in exported)) missing.push(`${file}: ${one} of ${path}`);
      }
    }
  }
  expect(missing).toEqual([]);
  expect(seen).toBeGreaterThan(20);
});
