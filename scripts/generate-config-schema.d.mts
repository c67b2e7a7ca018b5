/** The text of config.schema.json, from the options of all commands in dist/. */
export declare function configSchema(): Promise<string>;
