/** Splits of a repository on the Hub, found as the Hugging Face library `datasets` finds them. */
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { SamError } from '../../../core/errors.js';
import { compare } from '../../../core/order.js';
import { filesOfSplit, sameSplit, splitsOfFiles } from '../../splits.js';
import { globPattern } from './glob.js';

/** Splits of a repository, by their names; paths in order. */
export interface RepositorySplits {
  names(): string[];
  filesOf(split: string): string[];
}

const patterns = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const configSchema = z.object({
  config_name: z.string().default('default'),
  default: z.boolean().optional(),
  data_dir: z.string().optional(),
  data_files: z
    .union([
      patterns.transform((path) => [{ split: 'train', path }]),
      z.array(z.object({ split: z.string(), path: patterns })),
      z
        .record(z.string(), patterns)
        .transform((splits) => Object.entries(splits).map(([split, path]) => ({ split, path }))),
    ])
    .optional(),
});
const frontMatterSchema = z.object({ configs: z.array(configSchema).optional() });
type Config = z.output<typeof configSchema>;

/**
 * Reads the configurations that a README's front matter declares; none where it declares none.
 *
 * @throws SamError `SAM_BAD_DATA`: they cannot be read.
 */
export function declaredConfigs(readme: string, where: string): Config[] {
  const text = /^---\r?\n(.*?)\r?\n---\s*(\r?\n|$)/s.exec(readme)?.[1];
  if (text === undefined) return [];
  try {
    return frontMatterSchema.parse(parseYaml(text) ?? {}).configs ?? [];
  } catch (error) {
    throw new SamError('SAM_BAD_DATA', `the README.md of ${where} declares its files in a way that cannot be read`, {
      fix: 'tell its owner, or download the Parquet files and name their folder',
      detail: error instanceof Error ? error.message : undefined,
    });
  }
}

/**
 * Chooses the configuration asked for; else the only one, the one marked as the default, or the one named `default`.
 *
 * @throws SamError `SAM_BAD_OPTION`: none is named and there are several, or none has the name.
 */
export function chooseConfig<Named extends { config_name: string; default?: boolean | undefined }>(
  configs: readonly Named[],
  wanted: string | undefined,
  where: string,
): Named {
  const chosen =
    wanted !== undefined
      ? configs.find(({ config_name }) => config_name === wanted)
      : configs.length === 1
        ? configs[0]
        : (configs.find((config) => config.default) ?? configs.find(({ config_name }) => config_name === 'default'));
  if (chosen !== undefined) return chosen;
  const names = configs.map(({ config_name }) => config_name).join(', ');
  throw new SamError(
    'SAM_BAD_OPTION',
    wanted === undefined
      ? `${where} has several configurations: ${names}`
      : `${where} has no configuration '${wanted}' (there: ${names})`,
    { fix: `name one: \`data\` ${where}/CONFIG` },
  );
}

/** Returns the splits of a declared configuration; undefined where it has no Parquet files. */
export function splitsOfConfig(config: Config, paths: readonly string[]): RepositorySplits | undefined {
  const base = (config.data_dir ?? '').replace(/^(\.?\/)+|\/+$/g, '');
  const within = base === '' ? '' : `${base}/`;
  const parquet = paths.filter((path) => isParquet(path) && path.startsWith(within));
  if (config.data_files === undefined) return splitsByName(parquet);
  const splits = new Map<string, string[]>();
  for (const { split, path } of config.data_files) {
    const globs = path.map((glob) => globPattern(`${within}${glob.replace(/^(\.?\/)+/, '')}`));
    const files = parquet.filter((file) => globs.some((glob) => glob.test(file)));
    if (files.length > 0) splits.set(split, [...(splits.get(split) ?? []), ...files]);
  }
  return splitsIn(splits);
}

/** Returns the splits that the names of Parquet files tell; undefined where there are none. */
export function splitsByName(paths: readonly string[]): RepositorySplits | undefined {
  const files = paths.filter(isParquet).map((path) => ({ relative: path, path }));
  if (files.length === 0) return undefined;
  return {
    names: () => splitsOfFiles(files),
    filesOf: (split) => filesOfSplit(files, split).map(({ path }) => path),
  };
}

/**
 * Returns the splits in the branch that the Hub itself converts data sets into: `<config>/<split>/0000.parquet`, of large ones a part,
 * `partial-<split>`; undefined where there are none.
 *
 * @throws SamError `SAM_BAD_OPTION`: as {@link chooseConfig}.
 */
export function splitsOfConversion(
  paths: readonly string[],
  wanted: string | undefined,
  where: string,
): RepositorySplits | undefined {
  const placed = paths.flatMap((path) => {
    const [, config, folder] = /^([^/]+)\/([^/]+)\/[^/]+\.parquet$/.exec(path) ?? [];
    return config === undefined ? [] : [{ path, config_name: config, split: folder!.replace(/^partial-/, '') }];
  });
  if (placed.length === 0) return undefined;
  const names = [...new Set(placed.map(({ config_name }) => config_name))];
  const { config_name: chosen } = chooseConfig(
    names.map((config_name) => ({ config_name })),
    wanted,
    where,
  );
  const splits = new Map<string, string[]>();
  for (const { path, config_name, split } of placed) {
    if (config_name === chosen) splits.set(split, [...(splits.get(split) ?? []), path]);
  }
  return splitsIn(splits);
}

/** Makes splits that are found under their own names, else under one that means the same. */
function splitsIn(splits: ReadonlyMap<string, string[]>): RepositorySplits | undefined {
  if (splits.size === 0) return undefined;
  const filesOf = (wanted: string) =>
    splits.get(wanted) ?? [...splits].find(([name]) => sameSplit(name, wanted))?.[1] ?? [];
  return { names: () => [...splits.keys()].sort(compare), filesOf };
}

function isParquet(path: string): boolean {
  return path.toLowerCase().endsWith('.parquet') && !path.split('/').some((part) => part.startsWith('.'));
}
