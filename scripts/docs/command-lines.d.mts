import type { CommandLine } from './calls.mjs';

/** A block of code of a Markdown text. */
export interface CodeBlock {
  language: string;
  line: number;
  text: string;
}
export declare function blocksOf(markdown: string): CodeBlock[];
export declare function linesOfMarkdown(markdown: string): CommandLine[];
