/** What a zod schema says of itself, for flags, help, completion and config files. */
import type { z } from 'zod';

/** Schemas of options, by their TypeScript names. */
export type OptionShape = Readonly<Record<string, z.ZodType>>;

/** What is known of an option from its schema. */
export interface SchemaFacts {
  /** What zod calls it: `boolean`, `number`, `array`; `string` for anything else that is written as text. */
  readonly kind: string;
  /** Words that it takes; undefined where it takes others. */
  readonly choices: readonly string[] | undefined;
  /** Default; undefined where it has none. */
  readonly fallback: unknown;
  readonly description: string | undefined;
}

/** Takes off a schema's wrappers, and keeps the default and the description that they carried. */
export function factsOf(schema: z.ZodType): SchemaFacts {
  let inner = schema as z.core.$ZodType;
  let fallback: unknown;
  let description: string | undefined;
  for (;;) {
    const def = inner._zod.def as z.core.$ZodTypeDef & { innerType?: z.core.$ZodType; defaultValue?: unknown };
    if (def.type === 'default') fallback = def.defaultValue;
    description ??= (inner as z.ZodType).description;
    if (def.innerType === undefined) {
      const { entries, options } = def as { entries?: Record<string, string>; options?: readonly z.core.$ZodType[] };
      const numeric = options?.some((option) => option._zod.def.type === 'number');
      const kind = options === undefined ? def.type : numeric ? 'number' : 'string';
      return { kind, choices: entries && Object.values(entries), fallback, description };
    }
    inner = def.innerType;
  }
}
