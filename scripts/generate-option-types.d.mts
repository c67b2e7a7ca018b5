/** The text of lib/option-types.ts, from the schemas in dist/. */
export declare function optionTypes(): Promise<string>;
