/** Where this package lies and what it is. This file is as deep in `dist/` as in `lib/`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, CMakeLists.txt and native/. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A checkout has the TypeScript sources; the package that npm installs does not. */
export function isCheckout(root: string = PACKAGE_ROOT): boolean {
  return existsSync(join(root, 'lib', 'index.ts'));
}

export function packageVersion(root: string = PACKAGE_ROOT): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}
