#!/usr/bin/env node
// What prebuildify calls instead of node-gyp, in a folder whose build/Release it then looks into. The addon's run path leads
// to a link that `setup` makes beside it: where LibTorch lies is another thing on every machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createReporter } from '../dist/cli/progress.js';
import { compileAddon } from '../dist/setup/compile.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = JSON.parse(readFileSync(join(root, 'build', 'Release', 'stamp.json'), 'utf8'));
await compileAddon({
  root,
  libtorch: { path: stamp.libtorch, version: stamp.version, cuda: false },
  work: join(process.cwd(), 'build'),
  reporter: createReporter(process.stderr),
  target: 'sam_native',
  runPath: '$ORIGIN/libtorch/lib',
});
