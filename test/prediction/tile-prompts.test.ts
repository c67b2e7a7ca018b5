import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ResolvedPromptOptions } from '../../lib/models/prompt-options.js';
import { promptOptions } from '../../lib/options.js';
import { givenForTile, roughForTile } from '../../lib/prediction/tile-prompts.js';
import { planTiles, type Tile, tilesOfRow } from '../../lib/raster/tiles.js';
import type { Window } from '../../lib/raster/windows.js';

const defaults: ResolvedPromptOptions = z.object(promptOptions).parse({});

/** Side 40, overlap 10: tiles at 0, 30 and 60 across, one row. */
const plan = planTiles(100, 40, 40);
const tiles = tilesOfRow(plan, 0);

async function asked(of: (tile: Tile) => Promise<unknown>) {
  const all: unknown[] = [];
  for (const tile of tiles) all.push(await of(tile));
  return all;
}

test('points and box go to the tiles that they lie in, in pixels of the tile', async () => {
  const given = { points: [[35, 5] as const, [90, 8] as const], labels: [1, 0] as const, box: null };
  expect(await asked(givenForTile(given))).toEqual([
    { points: [[35, 5]], labels: [1], box: null },
    { points: [[5, 5]], labels: [1], box: null },
    'outside', // a negative point alone
  ]);
  const box = { points: [], labels: [], box: [20, 4, 61.5, 30] as const };
  expect(await asked(givenForTile(box))).toEqual([
    { points: [], labels: [], box: [20, 4, 40, 30] },
    { points: [], labels: [], box: [0, 4, 31.5, 30] },
    { points: [], labels: [], box: [0, 4, 1.5, 30] },
  ]);
});

test('property: every point given reaches a tile, and stays where it was', async () => {
  const wide = planTiles(3000, 2100, 512);
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0, max: 3000, noNaN: true }),
      fc.double({ min: 0, max: 2100, noNaN: true }),
      async (x, y) => {
        const prompt = givenForTile({ points: [[x, y]], labels: [1], box: null });
        let reached = 0;
        for (let row = 0; row < wide.rows.length; row++) {
          for (const tile of tilesOfRow(wide, row)) {
            const found = await prompt(tile);
            if (typeof found === 'string') continue;
            reached++;
            expect(found.points[0]![0] + tile.x).toBeCloseTo(x, 6);
            expect(found.points[0]![1] + tile.y).toBeCloseTo(y, 6);
          }
        }
        expect(reached).toBeGreaterThan(0);
      },
    ),
    { numRuns: 30 },
  );
});

test('a rough mask: its tiles are inside, outside, or get points from their own part', async () => {
  const inside = (x: number) => x < 45;
  const read = async ({ x, width, height }: Window) => ({
    values: Uint8Array.from({ length: width * height }, (_, at) => (inside(x + (at % width)) ? 1 : 0)),
    width,
    height,
  });
  const [first, second, third] = await asked(roughForTile(read, 'scene', defaults));
  expect(first).toBe('inside');
  expect(third).toBe('outside');
  const { points, labels } = second as { points: [number, number][]; labels: number[] };
  expect(labels.length).toBeGreaterThan(0);
  expect(labels.every((label) => label === 1)).toBe(true);
  for (const [x, y] of points) {
    expect(inside(30 + x)).toBe(true);
    expect(y).toBeLessThanOrEqual(40);
  }
  expect(await roughForTile(read, 'scene', defaults)(tiles[1]!)).toEqual(second);
});
