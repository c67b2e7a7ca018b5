/** Models in the cache: converted weights and built encoders, `<cacheDir>/models/<name>-<hash>/`. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface ModelFolder {
  path: string;
  bytes: number;
}

export async function listModels(cacheDir: string): Promise<ModelFolder[]> {
  const parent = join(cacheDir, 'models');
  const names = (await readdir(parent).catch(() => [])).filter((name) => !name.startsWith('.'));
  const folders = names.sort().map(async (name) => {
    const path = join(parent, name);
    return { path, bytes: await bytesIn(path) };
  });
  return Promise.all(folders);
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map((name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
