/** The lint of the docs: scripts/check-docs.mjs. */
export declare function docFiles(root?: string): string[];
export declare function faultsOf(file: string, root?: string): Promise<string[]>;
export declare function faultsOfHelp(name?: string): Promise<string[]>;
