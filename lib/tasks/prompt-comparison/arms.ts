/** Arms of the comparison: kinds of prompts, each drawn from labels and, where rough masks are described, from these. */
import type { PromptKind } from '../../prompts/prompt.js';

/** What prompts are drawn from: labels or rough masks. */
export type ArmSource = 'ground-truth' | 'rough';

/** A kind of prompt, from one source: what a model is trained with. */
export interface Arm {
  /** Kind of prompt. */
  readonly kind: PromptKind;
  /** Source that prompts are drawn from. */
  readonly source: ArmSource;
}

export function armsOf(kinds: readonly PromptKind[], sources: readonly ArmSource[]): Arm[] {
  return sources.flatMap((source) => kinds.map((kind) => ({ kind, source })));
}

/** Names the run folder of an arm. */
export function folderName({ kind, source }: Arm): string {
  return `${kind.replace('+', '-')}-from-${source === 'rough' ? 'rough-masks' : 'labels'}`;
}
