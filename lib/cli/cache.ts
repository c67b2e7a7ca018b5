/** `sam-native cache ls|gc`: lists what is kept on disk, and keeps it small. */
import { formatBytes, parseBytes } from '../core/bytes.js';
import { modelOptions } from '../options.js';
import { command } from './command.js';

const { cacheDir, cacheMax } = modelOptions;

interface Listing {
  action: 'ls';
  cacheDir: string;
  /** Bytes of all embeddings. */
  bytes: number;
  embeddings: import('../embeddings/embedding-folders.js').EmbeddingFolder[];
  models: import('../models/model-folders.js').ModelFolder[];
}

interface Collected {
  action: 'gc';
  cacheDir: string;
  removedShards: number;
  removedBytes: number;
  /** Bytes that are left. */
  bytes: number;
}

export default command({
  options: { cacheDir, cacheMax },
  positionals: {
    action: {
      describe: 'ls lists models and embeddings; gc removes the embeddings longest unused',
      choices: ['ls', 'gc'],
      type: 'string',
      demandOption: true,
    },
  },
  epilogue:
    'Examples:\n' +
    '  sam-native cache ls\n' +
    '  sam-native cache gc --cache-max 10GB\n' +
    '  sam-native cache gc --cache-max 0\n\n' +
    'gc takes shards (up to 16 images each), those longest unused first, until --cache-max holds. What is gone is encoded\n' +
    'again when it is needed. Models stay; remove their folders by hand.',
  async run({ options, positionals }): Promise<Listing | Collected> {
    const [folders, { listModels }, { defaultCacheDir }] = await Promise.all([
      import('../embeddings/embedding-folders.js'),
      import('../models/model-folders.js'),
      import('../core/cache-dir.js'),
    ]);
    const directory = options.cacheDir ?? defaultCacheDir();
    if (positionals.action === 'gc') {
      const collected = await folders.collectGarbage(directory, parseBytes(options.cacheMax));
      return { action: 'gc', cacheDir: directory, ...collected };
    }
    const embeddings = await folders.listFolders(directory);
    const bytes = embeddings.reduce((sum, folder) => sum + folder.bytes, 0);
    return { action: 'ls', cacheDir: directory, bytes, embeddings, models: await listModels(directory) };
  },
  summary(result) {
    if (result.action === 'gc') {
      return `removed ${result.removedShards} shards (${formatBytes(result.removedBytes)}); ${formatBytes(result.bytes)} left`;
    }
    const lines = [`${result.cacheDir}: ${formatBytes(result.bytes)} of embeddings`];
    for (const { path, bytes } of result.models) lines.push(`  model       ${formatBytes(bytes).padStart(9)}  ${path}`);
    for (const { model, precision, bytes, lastUsed, path } of result.embeddings) {
      const used = lastUsed === null ? 'unused' : `used ${lastUsed.slice(0, 10)}`;
      lines.push(`  embeddings  ${formatBytes(bytes).padStart(9)}  ${path}  ${model}, ${precision}, ${used}`);
    }
    return lines.join('\n');
  },
});
