/** What a scene is like, and how large it is. */

/** Side of a scene, pixels. */
export const SIDE = 512;

/** What a scene is like, drawn once for each image. Lengths are pixels; the river's are those of a course (`channel.ts`). */
export interface SceneStyle {
  readonly halfWidth: number;
  readonly swing: number;
  readonly wavelength: number;
  readonly tributaries: number;
  readonly islands: number;
  /** Width of gravel bars, as a share of the river's. */
  readonly bars: number;
  /** Share of the land that is wooded, 0 to 1. */
  readonly woods: number;
  /** Whether trees are conifers, rather than broad-leaved. */
  readonly conifers: boolean;
  readonly crownRadius: number;
  readonly fields: boolean;
  readonly road: boolean;
}
