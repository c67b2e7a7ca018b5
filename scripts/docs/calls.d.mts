import type { CommandLine } from './command-lines.mjs';

export declare function linesOf(file: string, text: string): CommandLine[];
export declare function commandNames(): Promise<string[]>;
export declare function linesOfHelpOf(name?: string): Promise<CommandLine[]>;
export declare function refusedLines(file: string, lines: CommandLine[]): Promise<string[]>;
export declare function refusedConfigs(file: string, text: string): Promise<string[]>;
