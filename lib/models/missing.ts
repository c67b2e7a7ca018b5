/**
 * Names of models that neither a file nor a folder here has: which of them mean this machine all the same, so that no hub ever hears
 * of them, and what is said of a model that is not there.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SamError } from '../core/errors.js';
import { closest } from '../core/suggest.js';
import { nameAll } from '../core/words.js';
import { hubEnvironment } from '../hub/environment.js';
import { isHubName, withoutNetwork } from './hub.js';

/** Folder that runs are written to where `out` does not say otherwise. */
const RUNS = 'runs';

/**
 * Tells whether a name looks like one on the Hub, `owner/name`, but means a place here: a folder `owner` is here, or would hold runs.
 * With a revision, `owner/name@main`, it always means the Hub's.
 */
export function isLocalName(spec: string, cwd: string): boolean {
  const [owner, revision] = [spec.split('/')[0]!, spec.includes('@')];
  return !revision && (owner === RUNS || existsSync(resolve(cwd, owner)));
}

/** Makes the error about a model that is not here, which names the runs that lie where it was looked for. */
export function unknownModel(spec: string, cwd: string): SamError {
  const runs = runsIn(dirname(resolve(cwd, spec)));
  const why = runs.length === 0 ? 'no such file or folder' : `${dirname(spec)} holds ${nameAll(runs)}`;
  const beside = closest(basename(spec), runs);
  const meant =
    beside === undefined ? closest(spec, ['mobile-sam']) : `${spec.slice(0, -basename(spec).length)}${beside}`;
  if (meant !== undefined) return notThere(`${spec}: ${why}`, `did you mean ${meant}?`);
  const hub = isHubName(spec) ? `; of the Hugging Face Hub: ${spec}@main` : ', or facebook/sam-vit-base';
  return notThere(`${spec}: ${why}`, `give mobile-sam, a file of weights, a run folder or a checkpoint${hub}`);
}

function notThere(message: string, fix: string): SamError {
  return new SamError('SAM_NOT_FOUND', `no model ${message}`, { fix });
}

/** Lists the runs in a folder, which have checkpoints. */
function runsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => existsSync(join(folder, name, 'checkpoints')))
      .sort();
  } catch {
    return [];
  }
}

/** Adds to an error about the Hub that there is nothing of that name here either, and, without a network, how to do without one. */
export function nowhere(spec: string, error: unknown): unknown {
  if (!(error instanceof SamError) || (error.code !== 'SAM_NETWORK' && error.code !== 'SAM_NOT_FOUND')) return error;
  const fixes = [error.fix, error.code === 'SAM_NETWORK' ? withoutNetwork(spec, hubEnvironment().cacheDir) : undefined];
  return new SamError(error.code, `${error.message}; and there is no file or folder ${spec} here`, {
    fix: fixes.filter((fix) => fix !== undefined).join('; or ') || undefined,
    cause: error,
  });
}
