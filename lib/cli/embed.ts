/** `sam-native embed`: fills the embedding cache, and exports embeddings. */
import type { EmbedImagesResult } from '../embeddings/embed-images.js';
import { embedImagesOptionsSchema } from '../embeddings/embed-options.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';

export default command({
  options: embedImagesOptionsSchema.shape,
  epilogue:
    'Examples:\n' +
    '  sam-native embed --data photos\n' +
    '  sam-native embed --data photos --split validation --precision fp32 --export embeddings.safetensors\n\n' +
    'An image is encoded once for each encoder, precision and --image-size; train, evaluate and predict then find it.\n' +
    'Masks are not needed. "sam-native cache ls" shows what is kept.',
  async run({ given, reporter, hooks }): Promise<EmbedImagesResult> {
    const { embedImages } = await import('../embeddings/embed-images.js');
    return embedImages(given, { ...hooks, onProgress: encodingProgress(reporter) });
  },
  summary({ count, cached, encoded, bytes, secondsPerImage, export: file }) {
    const speed = encoded === 0 ? '' : `, ${secondsPerImage.toFixed(2)} s each`;
    const lines = [
      `${count} images: ${cached} were in the cache, ${encoded} encoded${speed}; ${(bytes / 1e6).toFixed(0)} MB`,
    ];
    if (file !== null) lines.push(file);
    return lines.join('\n');
  },
});
