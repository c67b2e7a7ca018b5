import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isCheckout, PACKAGE_ROOT, packageVersion } from '../../lib/core/package-root.js';

test('this is a checkout; the package that npm installs is none', async () => {
  const installed = await mkdtemp(join(tmpdir(), 'sam-package-'));
  try {
    expect(isCheckout()).toBe(true);
    expect(isCheckout(installed)).toBe(false);
  } finally {
    await rm(installed, { recursive: true, force: true });
  }
});

test('the package root holds package.json', () => {
  expect(packageVersion(PACKAGE_ROOT)).toMatch(/^\d+\.\d+\.\d+/);
});
