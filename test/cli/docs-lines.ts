/** Finds the `sam-native …` lines in texts for readers, and splits them into words as a shell would. */

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

/** Fenced (mark, language, code) or indented. */
const BLOCKS = /^[ \t]*(`{3,}|~{3,})[ \t]*(\w*).*\n((?:.*\n)*?)[ \t]*\1[ \t]*$|(?:^(?: {4}|\t).*\n?)+/gm;

/** Inline code; it may go over a line's end. */
const SPANS = /`((?:[^`\n]|\n(?!\n))+)`/g;

const SCHEMATIC = /[[<…]|\.\.\./;

const lineAt = (text: string, index: number) => text.slice(0, index).split('\n').length;

export function blocksOf(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(BLOCKS)].map(({ 0: whole, 2: language = '', 3: code, index }) => ({
    language,
    line: lineAt(markdown, index) + (code === undefined ? 0 : 1),
    text: code ?? whole,
  }));
}

/** The lines of a Markdown text: those of its blocks, and the inline code that is a whole call and not schematic (`[options]`, `DIR…`). */
export function linesOfMarkdown(markdown: string): CommandLine[] {
  const prose = markdown.replace(BLOCKS, (block) => block.replace(/./g, ''));
  const spans = [...prose.matchAll(SPANS)]
    .filter(({ 1: code }) => !SCHEMATIC.test(code!))
    .flatMap(({ 1: code, index }) => linesOfShell(code!.replaceAll('\n', ' '), lineAt(prose, index)))
    .filter(({ words }) => words.length > 0) // `sam-native` is the package
    .map((call) => ({ ...call, nameOnly: call.words.length === 1 }));
  return [...blocksOf(markdown).flatMap(({ text, line }) => linesOfShell(text, line)), ...spans];
}

/** The lines in comments of code or YAML. */
export function linesOfComments(code: string): CommandLine[] {
  return linesOfShell(code.replace(/^[ \t]*(#|\/\/|\/?\*+)/gm, ''));
}

/** The examples under the options of `--help`: they are indented, the usage at its top is not. */
export function linesOfHelp(help: string): CommandLine[] {
  return linesOfShell(help.replace(/^\S.*$/gm, ''));
}

/** The calls of `sam-native` among the commands of a shell text whose first line is number `first`. */
function linesOfShell(text: string, first = 1): CommandLine[] {
  return commandsOf(text, first).flatMap(({ line, words }) => {
    // Before the program: a prompt, variables, npx and its flags.
    const program = words.findIndex((word) => !/^([$%!]|\w+=.*|!?npx|--?\w+)$/s.test(word));
    return /^!?sam-native$/.test(words[program] ?? '') ? [{ line, words: words.slice(program + 1) }] : [];
  });
}

/** Words (the group), redirections, and what stands between commands. A quote ends with its line: there are apostrophes in what is no shell text. */
const TOKENS = /\\\n|[ \t]+|#.*|[\n;&|]|\d?>{1,2}&?[ \t]*\S+|((?:\\.|'[^'\n]*'?|"(?:\\.|[^"\\\n])*"?|[^\s;&|'"\\])+)/g;

/** The commands of a shell text, split into words as a shell does. Globs and variables stay as they are. */
function commandsOf(text: string, first: number): CommandLine[] {
  const commands: CommandLine[] = [{ line: first, words: [] }];
  let line = first;
  for (const [token, word] of text.matchAll(TOKENS)) {
    if (token.endsWith('\n')) line++;
    if (/^[\n;&|]$/.test(token)) commands.push({ line, words: [] });
    if (word !== undefined) commands.at(-1)!.words.push(unquoted(word));
  }
  return commands;
}

function unquoted(word: string): string {
  return word.replace(
    /'([^']*)'?|"((?:\\.|[^"\\])*)"?|\\(.)/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
  );
}
