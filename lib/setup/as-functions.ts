/** The commands `setup` and `doctor` as functions of the API: nobody is asked, and progress goes to hooks. */
import { z } from 'zod';
import { defaultCacheDir } from '../core/cache-dir.js';
import type { Counted, Hooks } from '../core/hooks.js';
import { checkHooks, parseOptions } from '../core/parse-options.js';
import { type DoctorReport, doctor as examine } from './doctor.js';
import { type SetupOptions, setupOptionsSchema } from './options.js';
import { setup as prepare, type SetupResult } from './setup.js';

/**
 * Finds or gets LibTorch, takes a matching prebuild of the addon or compiles it, and tries it. Nothing is downloaded unless `yes` says so.
 *
 * ```ts
 * import { setup } from 'sam-native';
 *
 * const { libtorch, addon } = await setup({ yes: true }, { onNote: (line) => console.error(line) });
 * console.log(libtorch.version, addon.path);
 * ```
 * @throws SamError `SAM_NO_ADDON`: LibTorch or a tool is missing, or the addon doesn't compile or work; `SAM_NETWORK`: no download;
 * `SAM_BAD_OPTION`: options.
 */
export async function setup(given: SetupOptions = {}, hooks: Hooks<Counted> = {}): Promise<SetupResult> {
  checkHooks(hooks);
  const { yes, ...options } = parseOptions(setupOptionsSchema, given);
  const { signal, onNote, onProgress } = hooks;
  const reporter = {
    say: (line: string) => onNote?.(line),
    task: (_label: string, total: number) => ({
      update: (done: number, _note?: string, newTotal = total) => onProgress?.({ done, total: newTotal }),
      end() {},
    }),
  };
  return prepare({ ...options, consent: async () => yes, reporter, signal });
}

/** Where {@link doctor} looks. */
export interface DoctorOptions {
  /** Folder where models and embeddings are kept. Default: as everywhere. */
  cacheDir?: string | undefined;
}

const doctorOptionsSchema = z.strictObject({ cacheDir: z.string().optional() });

/**
 * Looks at everything that a run needs, says what is missing and what mends it, and proves by a self-test that it works. Never throws
 * for what is missing: see `ok` and `checks`.
 *
 * ```ts
 * import { doctor } from 'sam-native';
 *
 * const { ok, checks } = await doctor();
 * if (!ok) console.error(checks.filter((check) => !check.ok));
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options.
 */
export async function doctor(given: DoctorOptions = {}, hooks: Hooks = {}): Promise<DoctorReport> {
  checkHooks(hooks);
  const { cacheDir = defaultCacheDir() } = parseOptions(doctorOptionsSchema, given);
  const { signal, onNote } = hooks;
  return examine({ cacheDir, signal, ...(onNote && { say: onNote }) });
}
