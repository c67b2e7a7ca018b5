/** Groups of samples that belong together: a cut into splits leaves a group whole. */
import { SamError } from '../core/errors.js';
import type { Samples } from './sample.js';

export interface Groups {
  /** Group of each sample, from 0. */
  readonly groupOf: Uint32Array;
  /** Number of samples of each group. */
  readonly sizes: readonly number[];
}

/**
 * Parses `--group-by`.
 *
 * @throws SamError `SAM_BAD_OPTION`: it is no regular expression.
 */
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
 * Groups samples that share what the pattern's first group (or, without one, the pattern) matches. Of the others, those of one image
 * are a group, so that it never stands on both sides. Groups are numbered as they come.
 *
 * @throws SamError `SAM_BAD_OPTION`: the pattern matches no sample.
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

/** A union of groups: any two that are linked become one. */
export class GroupUnion {
  readonly #parent: Uint32Array;

  constructor(readonly groups: Groups) {
    this.#parent = Uint32Array.from(groups.sizes.keys());
  }

  link(a: number, b: number): void {
    const [one, other] = [this.#rootOf(a), this.#rootOf(b)];
    this.#parent[Math.max(one, other)] = Math.min(one, other);
  }

  /** Returns the groups, those that are linked, directly or through others, as one; numbered as they come. */
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
