/** Ends the test run with one clear line where there is no GPU: tests that cannot run must not look as if they had passed. */

import { native } from '../../lib/addon/native.js';
import { noGpuReason } from '../../lib/device.js';
import { DEVICE } from './support.js';

export default function requireGpu(): void {
  if (DEVICE === 'cpu') return;
  const { cuda } = native().info({ probeCuda: true });
  if (cuda.available) return;
  process.stderr.write(`no CUDA device: ${noGpuReason(cuda)}\n`);
  process.exit(1);
}
