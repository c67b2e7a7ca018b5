/** Numbers, ids and flags as COCO files have them: tools write some of them as texts, or null where there is none. */
import { z } from 'zod';

/** Type of an id: text or number, and a text from then on, since one list may have `1` where another has `"1"`. */
export const id = z.union([z.number(), z.string()]).transform(String);

const asNumber = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value);

/** Type of a side of a picture, pixels. */
export const side = z.preprocess(asNumber, z.number().int().positive());
/** Type of a side that may be missing. */
export const optionalSide = z.preprocess((value) => value ?? undefined, side.optional());
/** Type of a yes or no, `iscrowd`: true, 1 and "1" are yes; no where it is missing. */
export const flag = z.preprocess(asNumber, z.union([z.number(), z.boolean()]).nullish()).transform(Boolean);
