/** What is held against what: the baselines first, and the few of all paired differences that are looked at first. */
import type { EntrantName, ModelScores, PairedDifference } from './results.js';

type Compared = EntrantName & Pick<ModelScores, 'spec'>;

/** Tells whether others are held against this entrant: the untuned model, the rough mask. It stands first, wherever it was named. */
export function isBaseline({ spec, promptKind }: Pick<Compared, 'spec' | 'promptKind'>): boolean {
  return spec === 'untuned' || promptKind === null;
}

/**
 * Parts the differences that are looked at first from all others. First are those in IoU at the labels' resolution between each
 * entrant and the first one with the same prompts, and between each of a model's prompts and its first.
 */
export function sortedOut(
  differences: readonly PairedDifference[],
  models: readonly Compared[],
): { first: PairedDifference[]; others: PairedDifference[] } {
  const ordered = [...models].sort((a, b) => Number(isBaseline(b)) - Number(isBaseline(a)));
  const isFirst = (a: EntrantName, b: EntrantName, alike: Alike) => {
    const first = ordered.find((one) => alike(one, b));
    return first !== undefined && sameName(first, a) && sameKind(first, a);
  };
  const [first, others]: [PairedDifference[], PairedDifference[]] = [[], []];
  for (const one of differences) {
    const { a, b, metric, resolution } = one;
    const telling = metric === 'iou' && resolution === 'own' && (isFirst(a, b, samePrompts) || isFirst(a, b, sameName));
    (telling ? first : others).push(one);
  }
  return { first, others };
}

type Alike = (a: EntrantName, b: EntrantName) => boolean;
const sameName: Alike = (a, b) => a.name === b.name;
const sameKind: Alike = (a, b) => a.promptSource === b.promptSource && a.promptKind === b.promptKind;
/** Tells entrants with the same prompts. A rough mask goes with any drawn from it: it is the same whatever they are. */
const samePrompts: Alike = (a, b) =>
  a.promptSource === b.promptSource &&
  (a.promptKind === b.promptKind || a.promptKind === null || b.promptKind === null);
