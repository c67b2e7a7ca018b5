/** The table of encoders, and that the docs say what it says. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENCODERS, type Encoder } from '../../lib/models/encoders.js';

const code = (text: string) => `\`${text}\``;

function rowOf(encoder: Encoder): string[] {
  const [channels, blocks] =
    encoder.kind === 'vit'
      ? [[encoder.dim], [encoder.layers]]
      : [encoder.stages.map(({ dim }) => dim), encoder.stages.map(({ blocks }) => blocks)];
  return [encoder.name, code(encoder.model), channels.join(', '), blocks.join(', ')];
}

test('docs/models.md lists exactly these', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/models.md'), 'utf8');
  const [, table] = /\| encoder \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(text)!;
  const rows = table!
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  expect(rows).toEqual(ENCODERS.map(rowOf));
});

test('names, models and words for sizes are one each', () => {
  for (const key of ['name', 'model'] as const) {
    const values = ENCODERS.map((encoder) => encoder[key]);
    expect(new Set(values).size).toBe(values.length);
  }
});
