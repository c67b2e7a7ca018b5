/** What of the predictions is kept for pictures while models are scored: outlines and prompts, no pixels. */
import type { Mask, Sample } from '../data/sample.js';
import { type Prompt, type PromptShapes, shapesOf } from '../prompts/prompt.js';
import type { Entrant } from '../scoring/entrants.js';
import type { Answer } from '../scoring/judge.js';
import type { EntrantName } from '../scoring/results.js';
import { frameSize, outlinePath } from './outlines.js';

export interface Sketch {
  readonly sample: Sample;
  /** Of the image, pixels. */
  readonly width: number;
  readonly height: number;
  /** Of the paths' frame. */
  readonly frame: { readonly width: number; readonly height: number };
  /** The `d` of SVG paths. */
  readonly label: string;
  /** By {@link entrantKey}. */
  readonly masks: Map<string, string>;
  /** By {@link entrantKey}; pixels of the image. */
  readonly prompts: Map<string, PromptShapes>;
}

/** A model with its prompts' source and kind. */
export function entrantKey({ name, promptSource, promptKind }: EntrantName): string {
  return `${promptSource}:${promptKind ?? ''}:${name}`;
}

export class Sketches {
  readonly #images = new Map<string, Sketch>();

  /** @param label, predicted Of one size; any value but 0 is inside. */
  add(entrant: string, seen: { sample: Sample; label: Mask; predicted: Uint8Array; prompt: Prompt | undefined }): void {
    const { sample, label, predicted, prompt } = seen;
    const { width, height } = label;
    const sketch = this.#images.get(sample.name) ?? {
      sample,
      width,
      height,
      frame: frameSize(label),
      label: outlinePath(label),
      masks: new Map<string, string>(),
      prompts: new Map(),
    };
    this.#images.set(sample.name, sketch);
    sketch.masks.set(entrant, outlinePath({ values: predicted, width, height }));
    if (prompt !== undefined) sketch.prompts.set(entrant, shapesOf(prompt));
  }

  /** Keeps what a model answered. An arrow, to be handed over as it is. */
  readonly show = ({ name, prompts, promptSource }: Entrant, { sample, label, question, predicted }: Answer): void => {
    const key = entrantKey({ name, promptSource, promptKind: prompts.prompt });
    this.add(key, { sample, label, predicted: predicted.mask, prompt: question.prompt });
  };

  /** Of the image of that name within its split. */
  of(name: string): Sketch | undefined {
    return this.#images.get(name);
  }
}
