/** Trees and bushes: round crowns that stand higher than the ground, and may reach out over the water. */
import type { Random } from '../../core/random.js';
import { noiseField } from './noise.js';
import { type SceneStyle, SIDE } from './style.js';

/** What trees stand on: distances to the edges of water and gravel, as in a terrain. */
interface Ground {
  readonly level: Float32Array;
  readonly gravel: Float32Array;
}

/** Heights of crowns and their tones, SIDE*SIDE each; 0 where none stands. */
export interface Woods {
  readonly height: Float32Array;
  readonly crown: Float32Array;
}

/** Grows woods, belts along the banks, single trees and bushes; none on the road or at the water's edge. */
export function growWoods(style: SceneStyle, ground: Ground, road: Float32Array, random: Random): Woods {
  const woods = { height: new Float32Array(SIDE * SIDE), crown: new Float32Array(SIDE * SIDE) };
  const density = noiseField(SIDE, 150, 4, random.integer(2 ** 30));
  const scatter = noiseField(SIDE, 60, 2, random.integer(2 ** 30));
  const spacing = style.crownRadius * 1.15;
  for (let gridY = -spacing; gridY < SIDE + spacing; gridY += spacing) {
    for (let gridX = -spacing; gridX < SIDE + spacing; gridX += spacing) {
      const x = gridX + random.uniform(-0.5, 0.5) * spacing;
      const y = gridY + random.uniform(-0.5, 0.5) * spacing;
      const size = random.uniform(0.6, 1.35);
      const tone = random.uniform(0.05, 1);
      const chance = random.next();
      const at = pixelAt(x, y);
      const gravel = ground.gravel[at]!;
      if (road[at]! < style.crownRadius || ground.level[at]! < 3) continue;
      const wooded = density[at]! < style.woods * 0.62 + 0.19;
      // A belt along the banks, single trees in the open, bushes on old gravel.
      const belt = gravel > 0 && gravel < 26 && scatter[at]! > 0.42;
      const onGravel = gravel <= 0;
      const likely = onGravel ? 0.03 : wooded ? 0.97 : belt ? 0.75 : 0.02;
      if (chance > likely) continue;
      addCrown(woods, x, y, style.crownRadius * size * (onGravel ? 0.45 : 1), tone, style.conifers);
    }
  }
  return woods;
}

function addCrown(woods: Woods, x: number, y: number, radius: number, tone: number, conifer: boolean): void {
  const tall = radius * (conifer ? 2 : 1.3);
  const [left, right] = [Math.max(0, Math.ceil(x - radius)), Math.min(SIDE - 1, Math.floor(x + radius))];
  const [top, bottom] = [Math.max(0, Math.ceil(y - radius)), Math.min(SIDE - 1, Math.floor(y + radius))];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const square = ((column - x) * (column - x) + (row - y) * (row - y)) / (radius * radius);
      if (square >= 1) continue;
      const dome = conifer ? 1 - Math.sqrt(square) : Math.sqrt(1 - square);
      const height = tall * (0.35 + 0.65 * dome);
      const at = row * SIDE + column;
      if (height <= woods.height[at]!) continue;
      woods.height[at] = height;
      woods.crown[at] = tone;
    }
  }
}

function pixelAt(x: number, y: number): number {
  const clip = (value: number) => Math.min(SIDE - 1, Math.max(0, Math.floor(value)));
  return clip(y) * SIDE + clip(x);
}
