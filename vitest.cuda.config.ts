// `npm run test:cuda`: what needs a GPU, and so is no part of `npm test`.
import { defineConfig, mergeConfig } from 'vitest/config';
import usual from './vitest.config.js';

const { include: _, exclude: __, ...test } = usual.test ?? {};

export default mergeConfig(
  { test },
  defineConfig({ test: { include: ['test/cuda/**/*.test.ts'], globalSetup: ['test/cuda/require-gpu.ts'] } }),
);
