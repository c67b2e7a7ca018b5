/** What of the predictions is kept for pictures while models are scored: outlines and prompts, no pixels. */
import type { Mask, Sample } from '../data/sample.js';
import { type Prompt, type PromptShapes, shapesOf } from '../prompts/prompt.js';
import type { Entrant } from '../scoring/entrants.js';
import type { Answer } from '../scoring/judge.js';
import type { EntrantName } from '../scoring/results.js';
import { frameSize, outlinePath } from './mask-paths.js';

/** What is kept of one image. */
export interface Sketch {
  readonly sample: Sample;
  /** Width of the image, pixels. */
  readonly width: number;
  /** Height of the image, pixels. */
  readonly height: number;
  /** Size of the frame that paths are drawn in. */
  readonly frame: { readonly width: number; readonly height: number };
  /** Label as the `d` of an SVG path. */
  readonly label: string;
  /** Masks likewise, by {@link entrantKey}. */
  readonly masks: Map<string, string>;
  /** Prompts by {@link entrantKey}, in pixels of the image. */
  readonly prompts: Map<string, PromptShapes>;
}

/** Makes the key of an entrant: a model with its prompts' source and kind. */
export function entrantKey({ name, promptSource, promptKind }: EntrantName): string {
  return `${promptSource}:${promptKind ?? ''}:${name}`;
}

/** Sketches of all images of a comparison. */
export class Sketches {
  readonly #images = new Map<string, Sketch>();

  /** Adds what an entrant made of an image. Label and predicted mask have one size; any value but 0 is inside. */
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

  /** Keeps what a model answered. Bound to this object, so that it can be handed over as it is. */
  readonly show = ({ name, prompts, promptSource }: Entrant, { sample, label, question, predicted }: Answer): void => {
    const key = entrantKey({ name, promptSource, promptKind: prompts.prompt });
    this.add(key, { sample, label, predicted: predicted.mask, prompt: question.prompt });
  };

  /** Returns the sketch of the image of this name within its split. */
  of(name: string): Sketch | undefined {
    return this.#images.get(name);
  }
}
