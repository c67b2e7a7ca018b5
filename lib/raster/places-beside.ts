/** Files beside pictures that say where these lie, as GDAL reads them: world files and `.aux.xml`. They are not read here, which is said. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

/** What makes an `.aux.xml` more than statistics. */
const PLACE = /<(SRS|GeoTransform|GCPList)\b/;

interface Picture {
  readonly path: string;
  /** Whether the picture itself says where it lies: a world file counts for nothing then. */
  readonly lies: boolean;
}

/** Lists the files that say where pictures lie, in the pictures' order. */
export async function placesBeside(pictures: readonly Picture[]): Promise<string[]> {
  const folders = new Map<string, Promise<ReadonlyMap<string, string>>>();
  const found = new Set<string>();
  for (const { path, lies } of pictures) {
    const folder = dirname(path);
    if (!folders.has(folder)) folders.set(folder, namesIn(folder));
    const names = await folders.get(folder)!;
    const [stem, extension] = [basename(path, extname(path)), extname(path).slice(1)];
    const worlds = [`${extension[0]}${extension.at(-1)}w`, `${extension}w`, 'wld'].map((end) => `${stem}.${end}`);
    for (const wanted of [...(lies ? [] : worlds), `${basename(path)}.aux.xml`, `${stem}.aux.xml`]) {
      const name = names.get(wanted.toLowerCase());
      if (name !== undefined && (await saysPlace(join(folder, name)))) found.add(join(folder, name));
    }
  }
  return [...found];
}

/** Reads the names in a folder, in lower case and as they are. */
async function namesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder).catch(() => []);
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

async function saysPlace(path: string): Promise<boolean> {
  if (!path.toLowerCase().endsWith('.aux.xml')) return true;
  return PLACE.test(await readFile(path, 'utf8').catch(() => ''));
}
