/** What a format of `export` is: which parts it has, how they are written, and how what was written is run. */
import type { Hooks } from '../../core/hooks.js';
import type { ResolvedModel } from '../../models/model.js';
import type { Exported } from './exported.js';
import type { LayoutName, Part, Variant } from './options.js';

/** One export. */
export interface Job extends Pick<Hooks, 'signal' | 'onNote'> {
  readonly model: ResolvedModel;
  readonly part: Part;
  /** Folder where the files are made; they are moved from there when all is done. */
  readonly folder: string;
  readonly cacheDir: string | undefined;
  /** Of onnx: whose programs open the files. */
  readonly layout: LayoutName;
  /** Numbers in which the files are written, fp32 first: of other formats than onnx that alone. */
  readonly variants: readonly Variant[];
}

/** A format. */
export interface Format {
  /** Parts that it has, first the one that is written where none is asked for. */
  readonly parts: readonly [Part, ...Part[]];
  /** Ending of a file that may stand for the whole export, where that is one file; undefined: it is always a folder. */
  readonly ending?: string;
  /**
   * Writes the files into the folder of the job. Returns their names, in the order in which they are told.
   *
   * @throws SamError `SAM_BAD_CHECKPOINT`, `SAM_BAD_ENCODER`: the model has no such form; `SAM_IO`: a file cannot be written.
   */
  write(job: Job): Promise<string[]>;
  /** Opens what was written, in one of the variants, to be run; or says, in words, why it can't be run here. */
  open(job: Job, names: readonly string[], variant: Variant): Promise<Exported | string>;
}
