/** Where this package lies and what it is. This file is as deep in `dist/` as in `lib/`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of this package: the one with package.json, CMakeLists.txt and native/. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Tells a checkout, which has the TypeScript sources, from the package that npm installs, which has not. */
export function isCheckout(root: string = PACKAGE_ROOT): boolean {
  return existsSync(join(root, 'lib', 'index.ts'));
}

/** Returns the version in package.json, such as `1.2.3`. */
export function packageVersion(root: string = PACKAGE_ROOT): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}
