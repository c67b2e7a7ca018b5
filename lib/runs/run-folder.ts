/** The run folder: `config.json`, `history.jsonl`, `tensorboard/`, `checkpoints/{last,best}.safetensors`, `report.html`, `scores.json`. */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { SamError, systemCode } from '../core/errors.js';
import { makeFolder, removeMadeFolders, requireWritable, writeFileWhole } from '../core/files.js';
import { refuseNewer } from '../core/format.js';
import { trainOptionsSchema } from '../options.js';

/** Number of the format of `config.json` and of checkpoints. */
export const FORMAT_VERSION = 1;

/** Files and folders of a run. */
export interface RunPaths {
  /** The run folder itself. */
  dir: string;
  config: string;
  history: string;
  report: string;
  /** Scores that the report shows, for programs. */
  scores: string;
  tensorboard: string;
  checkpoints: string;
  last: string;
  best: string;
}

/** Returns where the files of the run in `dir` lie, whether they are there or not. */
export function runPaths(dir: string): RunPaths {
  const checkpoints = join(dir, 'checkpoints');
  return {
    dir,
    config: join(dir, 'config.json'),
    history: join(dir, 'history.jsonl'),
    report: join(dir, 'report.html'),
    scores: join(dir, 'scores.json'),
    tensorboard: join(dir, 'tensorboard'),
    checkpoints,
    last: join(checkpoints, 'last.safetensors'),
    best: join(checkpoints, 'best.safetensors'),
  };
}

const splitSchema = z.object({
  /** Number of samples. */
  count: z.number(),
  /** Hash of the samples' names, by which a resumed run notices other data. */
  digest: z.string(),
});

const configSchema = z.object({
  /** Number of the file's format. */
  formatVersion: z.literal(FORMAT_VERSION),
  /** Time at which the run began, ISO 8601. */
  createdAt: z.string(),
  /** Versions that the run was begun with. */
  versions: z.object({
    /** Version of this package. */
    samNative: z.string(),
    /** Version of LibTorch. */
    libtorch: z.string(),
    /** Version of Node.js. */
    node: z.string(),
  }),
  /** Every option of `train`, defaults filled in, paths absolute. */
  options: trainOptionsSchema,
  /** What the run was begun on. */
  compute: z.object({
    /** Device: `cpu` or `cuda:N`. */
    device: z.string(),
    /** Name that the device gives itself. */
    name: z.string(),
    /** Precision that was chosen or asked for. */
    precision: z.enum(['fp32', 'bf16', 'fp16']),
  }),
  /** Samples of each split. */
  data: z.object({
    /** Samples of the training split. */
    train: splitSchema,
    /** Samples of the validation split. */
    validation: splitSchema,
  }),
  /** Descriptor of the model: its name, where its weights came from, and their hashes. */
  model: z.record(z.string(), z.unknown()),
  /** Name of the rule by which measurements became 8 bits; absent where all images are photographs. */
  stretch: z.string().optional(),
});

/** What `config.json` of a run says: options, model, data, device and versions, everything resolved. */
export type RunConfig = z.infer<typeof configSchema>;

/**
 * Reads `config.json` of the run in `dir`.
 *
 * @throws SamError `SAM_NOT_FOUND`: no run in `dir`. `SAM_BAD_CHECKPOINT`: the config is not one of this version.
 */
export async function readRunConfig(dir: string): Promise<RunConfig> {
  const path = runPaths(dir).config;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
    throw new SamError('SAM_NOT_FOUND', `no run in ${dir} (no config.json)`, {
      fix: 'name the folder of a run',
      cause: error,
    });
  }
  try {
    const config: unknown = JSON.parse(text);
    refuseNewer(path, config, { known: FORMAT_VERSION, code: 'SAM_BAD_CHECKPOINT' });
    return configSchema.parse(config);
  } catch (error) {
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_BAD_CHECKPOINT', `${path} is not the config of a run of this version`, {
      fix: 'train anew, or use the version that wrote it',
      cause: error,
    });
  }
}

/** Writes `config.json` of the run in `dir`, wholly or not at all. */
export async function writeRunConfig(dir: string, config: RunConfig): Promise<void> {
  await writeFileWhole(runPaths(dir).config, `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Refuses, before any work, a folder that holds a run already, is a file or can't be written.
 *
 * @param out the run folder asked for; without one, `runs` in the working folder has to be writable.
 * @throws SamError `SAM_BAD_OPTION`: a file, or not writable. `SAM_RUN_EXISTS`: there is a run, and `overwrite` is false.
 */
export async function checkOut(out: string | undefined, overwrite: boolean): Promise<void> {
  const dir = out ?? resolve('runs');
  const found = await stat(dir).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) {
    throw new SamError('SAM_BAD_OPTION', `\`out\` ${dir} is a file`, { fix: 'name a folder' });
  }
  const { config, last, best } = runPaths(dir);
  await requireWritable(config, '`out`');
  if (out === undefined || overwrite || ![config, last, best].some((path) => existsSync(path))) return;
  throw new SamError('SAM_RUN_EXISTS', `${dir} already holds a run`, {
    fix: 'go on with it (`resume`), replace it (`overwrite`), or name another folder',
  });
}

/** Makes up the run folder where none was named: `runs/<date>-<time>-<model>`, with a number behind it where that exists already. */
export function defaultRunDir(model: string, now = new Date()): string {
  const digits = now.toISOString().replace(/\D/g, '');
  const name = model.replace(/[^A-Za-z0-9._-]+/g, '-');
  const base = resolve('runs', `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${name}`);
  for (let number = 1; ; number++) {
    const dir = number === 1 ? base : `${base}-${number}`;
    if (!existsSync(dir)) return dir;
  }
}

/**
 * Makes the run folder. Files of an earlier run in it (`--overwrite`) are removed, other files stay. `discard` removes the run again,
 * and those folders that were made for it.
 */
export async function createRunFolder(dir: string): Promise<{ paths: RunPaths; discard(): Promise<void> }> {
  const paths = runPaths(dir);
  const clear = async () => {
    const { config, history, tensorboard, report, scores, checkpoints } = paths;
    for (const old of [config, history, tensorboard, report, scores, checkpoints])
      await rm(old, { recursive: true, force: true });
  };
  await clear();
  const first = await makeFolder(paths.checkpoints);
  const discard = async () => {
    await clear();
    await removeMadeFolders(dir, first);
  };
  return { paths, discard };
}

/** Removes the temporary files, ours and the native side's, that a killed process was in the middle of writing. */
export async function removeLeftovers(paths: RunPaths): Promise<void> {
  await makeFolder(paths.checkpoints);
  for (const folder of [paths.dir, paths.checkpoints]) {
    for (const name of await readdir(folder))
      if (/\.tmp(-[0-9a-f-]+)?$/.test(name)) await rm(join(folder, name), { force: true });
  }
}
