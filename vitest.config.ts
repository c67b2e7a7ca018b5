import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/closing-line.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need a GPU: vitest.cuda.config.ts.
    exclude: ['test/cuda/**'],
    // A process a file, one at a time: LibTorch uses all cores by itself, and a crash takes down one file only.
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', new ClosingLine()],
  },
});
