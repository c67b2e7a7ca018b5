/** Arms of the comparison: kinds of prompts, each drawn from labels and, where rough masks are described, from these. */
import type { PromptKind } from '../../prompts/prompt.js';

export type ArmSource = 'ground-truth' | 'rough';

export interface Arm {
  readonly kind: PromptKind;
  readonly source: ArmSource;
}

export function armsOf(kinds: readonly PromptKind[], sources: readonly ArmSource[]): Arm[] {
  return sources.flatMap((source) => kinds.map((kind) => ({ kind, source })));
}

/** Names the run folder of an arm. */
export function folderName({ kind, source }: Arm): string {
  return `${kind.replace('+', '-')}-from-${source === 'rough' ? 'rough-masks' : 'labels'}`;
}
