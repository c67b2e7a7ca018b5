/** `sam-native push`: uploads what a run has tuned to the Hugging Face Hub, with a model card. */
import { existsSync } from 'node:fs';
import { readdir, rename, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { defaultCacheDir } from '../../core/cache-dir.js';
import { SamError } from '../../core/errors.js';
import { requireWritable, scratchBeside } from '../../core/files.js';
import type { Counted, Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { hubEnvironment } from '../../hub/environment.js';
import { type HubName, parseHubName } from '../../hub/names.js';
import type { Patience } from '../../hub/patience.js';
import { type Asked, pageOf } from '../../hub/request.js';
import { requireWriter, type UploadFile, upload } from '../../hub/upload.js';
import { resolveModel } from '../../models/resolve.js';
import { readRun } from '../../reports/run-record.js';
import { runPaths } from '../../runs/run-folder.js';
import { modelCard } from './card.js';
import { writeModelFolder } from './folder.js';
import { type PushOptions, pushOptionsSchema } from './options.js';
import { readScores } from './scores.js';

/** What {@link pushModel} gives back. */
export interface PushResult {
  /** Name of the repository, `owner/name`. */
  repository: string;
  /** Address of its page. */
  url: string;
  /** Branch that the files came into. */
  branch: string;
  /** Commit that holds them; null where nothing was uploaded (`dryRun`). */
  commit: string | null;
  /** Whether the repository is private; null where nothing was uploaded. */
  private: boolean | null;
  /** Files that make up the model, by their paths in the repository. */
  files: string[];
  /** Those of them that were not there yet, or were others; null where nothing was uploaded. */
  changed: string[] | null;
  /** Folder with these files that was kept; null where none was. */
  folder: string | null;
}

/** What the command line leaves alone, and tests set. */
export interface PushControl extends Hooks<Counted>, Patience {
  /** Environment's variables; those of this process by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/**
 * Uploads the best checkpoint of a run, with all that it takes to use it, as one commit: a folder for `SamModel.from_pretrained` of
 * transformers or, where that doesn't know the image encoder (MobileSAM's), one that this package loads by its name; and a model card with
 * data, settings and scores. The repository is made where it isn't there, private unless `public` says otherwise. What has arrived is not
 * sent again. The progress counts bytes.
 *
 * ```ts
 * await pushModel({ run: 'runs/first', to: 'me/river-sam' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options, or a public repository that was not said to be; `SAM_NOT_FOUND`: no such run;
 * `SAM_NO_ACCESS`: no token, or one that may not write there; `SAM_NETWORK`: the connection breaks again and again; and what finding a
 * model throws.
 */
export async function pushModel(given: PushOptions, control: PushControl = {}): Promise<PushResult> {
  checkHooks(control);
  const { attempts, pauseMs, env, ...hooks } = control;
  const options = parseOptions(pushOptionsSchema, given);
  const { name, revision } = parseHubName(options.to) ?? notAName(options.to);
  const { run, dryRun, message, cacheDir = defaultCacheDir() } = options;
  const kept = options.out ?? (dryRun ? `${basename(resolve(run))}-hub` : undefined);
  const folder = kept === undefined ? undefined : await freeFolder(kept);
  const asked: Asked = {
    hub: hubEnvironment(env),
    repo: { type: 'model', name },
    revision,
    writes: true,
    signal: hooks.signal,
  };
  requireRun(run);
  if (!dryRun) await requireWriter(asked);

  const scratch = await scratchBeside(folder ?? join(cacheDir, 'tmp', 'push'));
  try {
    const title = await writeAll(scratch.path, options, { name, revision }, hooks);
    const files = await filesIn(scratch.path);
    const made = { repository: name, url: pageOf(asked), branch: revision, files: files.map(({ path }) => path) };
    const sent = dryRun
      ? { commit: null, private: null, changed: null }
      : await upload(asked, files, { public: options.public, message: message ?? title, attempts, pauseMs, ...hooks });
    if (folder !== undefined) await rename(scratch.path, folder);
    await scratch.remove();
    return { ...made, ...sent, folder: folder ?? null };
  } catch (error) {
    await scratch.undo();
    throw error;
  }
}

/** Writes weights, configs and card. Returns a line that says what it is. */
async function writeAll(
  folder: string,
  { run, cacheDir, license }: PushOptions,
  name: HubName,
  { signal, onNote }: Hooks<Counted>,
): Promise<string> {
  const model = await resolveModel(run, { cacheDir, signal, onNote });
  const record = await readRun(run);
  const kind = await writeModelFolder(folder, model);
  const scores = await readScores(run, model.checkpoint?.hash);
  return modelCard(folder, { name, model, record, scores, kind, license });
}

function notAName(to: string): never {
  const missing = /^[\w.-]+$/.test(to) ? ': it has no owner' : '';
  throw new SamError('SAM_BAD_OPTION', `${to} is not a name on the Hugging Face Hub${missing}`, {
    fix: 'write owner/name, with your own name on the Hub or an organisation of yours as the owner',
  });
}

function requireRun(run: string): void {
  const { config, checkpoints } = runPaths(run);
  if (existsSync(config) && existsSync(checkpoints)) return;
  throw new SamError(
    'SAM_NOT_FOUND',
    `${run} is not a run: it has no ${existsSync(config) ? 'checkpoints' : 'config.json'}`,
    {
      fix: 'name the folder that train wrote, such as runs/first',
    },
  );
}

/** Returns the whole path of a folder that isn't there yet, and can be made. */
async function freeFolder(out: string): Promise<string> {
  const folder = resolve(out);
  if (existsSync(folder)) {
    throw new SamError('SAM_BAD_OPTION', `${folder} is there already`, { fix: 'name another folder with `out`' });
  }
  await requireWritable(join(folder, 'README.md'), '`out`');
  return folder;
}

async function filesIn(folder: string): Promise<UploadFile[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (path) => ({ path, file: join(folder, path), bytes: (await stat(join(folder, path))).size })),
  );
}
