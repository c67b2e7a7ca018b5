/** How many components a mask has, by the labels that lib/ gives its runs. */
import { type Connectivity, labelComponents } from '../../../lib/prompts/rough/components.js';

export function countComponents(values: Uint8Array, width: number, height: number, connectivity: Connectivity): number {
  const { roots } = labelComponents(values, width, height, 1, connectivity);
  return roots.reduce((count, root, run) => count + (root === run ? 1 : 0), 0);
}
