/** Which samples belong together: a cut into splits leaves a group whole. */
import { SamError } from '../core/errors.js';
import type { Samples } from './sample.js';

export interface Groups {
  /** The group of each sample, from 0. */
  readonly groupOf: Uint32Array;
  /** Samples of each group. */
  readonly sizes: readonly number[];
}

/** `--group-by`. @throws {SamError} `SAM_BAD_OPTION`: no regular expression. */
export function groupPattern(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new SamError('SAM_BAD_OPTION', `\`groupBy\` is not a regular expression: ${text}`, {
      detail: error instanceof Error ? error.message : undefined,
      fix: "give one whose first group names the picture, such as '^(.*)_[ab]$'",
    });
  }
}

/**
 * The group of each sample, numbered as they come, and the groups' sizes: samples that share what the pattern's first group (or,
 * without one, the pattern) matches; of the others those of one image, so that it never stands on both sides.
 */
export function groupSamples(samples: Samples, pattern: RegExp | undefined): Groups {
  const groups = new Map<string, number>();
  const groupOf = new Uint32Array(samples.length);
  const sizes: number[] = [];
  let [matched, place] = [false, 0];
  for (const sample of samples) {
    const match = pattern?.exec(sample.name) ?? null;
    matched ||= match !== null;
    const key = match === null ? `\0${sample.image.path}` : (match[1] ?? match[0]);
    const group = groups.get(key) ?? groups.size;
    groups.set(key, group);
    sizes[group] = (sizes[group] ?? 0) + 1;
    groupOf[place++] = group;
  }
  if (pattern !== undefined && !matched) {
    throw new SamError(
      'SAM_BAD_OPTION',
      `\`groupBy\` ${pattern.source} matches no image, such as ${samples.at(0)?.name}`,
      {
        fix: 'it is matched with the path within the split, without the extension',
      },
    );
  }
  return { groupOf, sizes };
}

/** Makes one group of several: any two that are linked. */
export class GroupUnion {
  readonly #parent: Uint32Array;

  constructor(readonly groups: Groups) {
    this.#parent = Uint32Array.from(groups.sizes.keys());
  }

  link(a: number, b: number): void {
    const [one, other] = [this.#rootOf(a), this.#rootOf(b)];
    this.#parent[Math.max(one, other)] = Math.min(one, other);
  }

  /** Groups that are linked, directly or through others, as one; numbered as they come. */
  joined(): Groups {
    const numbers = new Map<number, number>();
    const sizes: number[] = [];
    const groupOf = this.groups.groupOf.map((group) => {
      const root = this.#rootOf(group);
      const number = numbers.get(root) ?? numbers.size;
      numbers.set(root, number);
      sizes[number] = (sizes[number] ?? 0) + 1;
      return number;
    });
    return { groupOf, sizes };
  }

  #rootOf(group: number): number {
    const parent = this.#parent;
    let root = group;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]!]!;
      root = parent[root]!;
    }
    return root;
  }
}
