/** What a reader would type, and where it stands. */
export interface CommandLine {
  /** From 1 on. */
  line: number;
  /** Without `npx` and `sam-native`. */
  words: string[];
  /** A name in prose (`sam-native split`), not a call to copy. */
  nameOnly?: boolean;
}
export interface CodeBlock {
  /** Behind the fence: `sh`, `yaml`; nothing for an indented block. */
  language: string;
  /** Of its first line of code, from 1 on. */
  line: number;
  text: string;
}
export declare function blocksOf(markdown: string): CodeBlock[];
export declare function linesOfMarkdown(markdown: string): CommandLine[];
export declare function linesOfComments(code: string): CommandLine[];
export declare function linesOfHelp(help: string): CommandLine[];
