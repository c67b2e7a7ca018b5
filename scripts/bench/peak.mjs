/** `node --import` this: at exit the peak resident memory of the process, MiB, is written to the file SAM_BENCH_PEAK. */
import { writeFileSync } from 'node:fs';

process.on('exit', () => writeFileSync(process.env.SAM_BENCH_PEAK, String(process.resourceUsage().maxRSS / 1024)));
