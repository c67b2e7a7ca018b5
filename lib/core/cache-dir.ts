/** Where everything that outlives a run is kept: LibTorch, weights, exported encoders, embeddings. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Returns the cache folder: `SAM_NATIVE_CACHE`, else `sam-native` in `XDG_CACHE_HOME`, else `~/.cache/sam-native`. It may not exist yet.
 *
 * @param env the environment's variables, those of this process by default.
 */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.SAM_NATIVE_CACHE) return resolve(env.SAM_NATIVE_CACHE);
  return join(env.XDG_CACHE_HOME ? resolve(env.XDG_CACHE_HOME) : join(homedir(), '.cache'), 'sam-native');
}
