/** LibTorch trees and programs that only look like ones. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { libraryFile } from '../../lib/setup/libtorch.js';

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
