/** LibTorch trees and programs that only look like ones. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONTRACT } from '../../lib/addon/native.js';
import { addonFile } from '../../lib/setup/addon-files.js';
import { libraryFile } from '../../lib/setup/libtorch.js';
import { manifestFile, prebuildFolder, sha256 } from '../../lib/setup/prebuild.js';

/** A folder with the headers' version and empty libraries. Returns its path. */
export function fakeLibTorch(path: string, version: string, libraries = ['c10', 'torch_cpu']): string {
  const headers = join(path, 'include', 'torch', 'headeronly');
  mkdirSync(headers, { recursive: true });
  mkdirSync(join(path, 'lib'), { recursive: true });
  const [major, minor, patch] = version.split('.');
  const lines = [`MAJOR ${major}`, `MINOR ${minor}`, `PATCH ${patch}`].map((part) => `#define TORCH_VERSION_${part}`);
  writeFileSync(join(headers, 'version.h'), `#pragma once\n${lines.join('\n')}\n`);
  for (const name of libraries) writeFileSync(join(path, 'lib', libraryFile(name)), '');
  return path;
}

/** A prebuild of the package in `root`, which says of itself what is true, or `said`. Returns the addon's path. */
export function fakePrebuild(root: string, minor: string, addon: Uint8Array, said: object = {}): string {
  const folder = prebuildFolder(root, minor);
  mkdirSync(folder, { recursive: true });
  writeFileSync(addonFile(folder), addon);
  const manifest = { contract: CONTRACT, torch: minor, glibc: '2.34', sha256: sha256(addon), ...said };
  writeFileSync(manifestFile(folder), JSON.stringify(manifest));
  return addonFile(folder);
}

/** A shell script called `name` in `folder`. */
export function fakeProgram(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** Removes all fake programs of a folder. */
export function noPrograms(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
