/** Finds the `sam-native …` lines in texts for readers, and splits them into words as a shell would. */

/** Fenced (mark, language, code) or indented. */
const BLOCKS = /^[ \t]*(`{3,}|~{3,})[ \t]*(\w*).*\n((?:.*\n)*?)[ \t]*\1[ \t]*$|(?:^(?: {4}|\t).*\n?)+/gm;

/** Inline code; it may go over a line's end. */
const SPANS = /`((?:[^`\n]|\n(?!\n))+)`/g;

const SCHEMATIC = /[[<…]|\.\.\./;

const lineAt = (text, index) => text.slice(0, index).split('\n').length;

/** The blocks of code of a Markdown text. */
export function blocksOf(markdown) {
  return [...markdown.matchAll(BLOCKS)].map(({ 0: whole, 2: language = '', 3: code, index }) => ({
    language,
    line: lineAt(markdown, index) + (code === undefined ? 0 : 1),
    text: code ?? whole,
  }));
}

/**
 * The lines of a Markdown text: those of its blocks, and the inline code that is a whole call and not schematic (`[options]`, `DIR…`).
 */
export function linesOfMarkdown(markdown) {
  const prose = markdown.replace(BLOCKS, (block) => block.replace(/./g, ''));
  const spans = [...prose.matchAll(SPANS)]
    .filter(({ 1: code }) => !SCHEMATIC.test(code))
    .flatMap(({ 1: code, index }) => linesOfShell(code.replaceAll('\n', ' '), lineAt(prose, index)))
    .filter(({ words }) => words.length > 0) // `sam-native` is the package
    .map((call) => ({ ...call, nameOnly: call.words.length === 1 }));
  return [...blocksOf(markdown).flatMap(({ text, line }) => linesOfShell(text, line)), ...spans];
}

/** The lines in comments of code or YAML. */
export function linesOfComments(code) {
  return linesOfShell(code.replace(/^[ \t]*(#|\/\/|\/?\*+)/gm, ''));
}

/** The examples under the options of `--help`, which are indented. */
export function linesOfHelp(help) {
  const options = help.search(/^Examples/m);
  return linesOfShell(help.slice(options === -1 ? help.length : options).replace(/^\S.*$/gm, ''));
}

/** The calls of `sam-native` among the commands of a shell text whose first line is number `first`. */
function linesOfShell(text, first = 1) {
  return commandsOf(text, first).flatMap(({ line, words }) => {
    // Before the program: a prompt, variables, npx and its flags.
    const program = words.findIndex((word) => !/^([$%!]|\w+=.*|!?npx|--?\w+)$/s.test(word));
    return /^!?sam-native$/.test(words[program] ?? '') ? [{ line, words: words.slice(program + 1) }] : [];
  });
}

/** Words (the group), redirections, and what stands between commands. A quote ends with its line: there are apostrophes in what is no shell text. */
const TOKENS = /\\\n|[ \t]+|#.*|[\n;&|]|\d?>{1,2}&?[ \t]*\S+|((?:\\.|'[^'\n]*'?|"(?:\\.|[^"\\\n])*"?|[^\s;&|'"\\])+)/g;

/** The commands of a shell text, split into words as a shell does. Globs and variables stay as they are. */
function commandsOf(text, first) {
  const commands = [{ line: first, words: [] }];
  let line = first;
  for (const [token, word] of text.matchAll(TOKENS)) {
    if (token.endsWith('\n')) line++;
    if (/^[\n;&|]$/.test(token)) commands.push({ line, words: [] });
    if (word !== undefined) commands.at(-1).words.push(unquoted(word));
  }
  return commands;
}

function unquoted(word) {
  return word.replace(
    /'([^']*)'?|"((?:\\.|[^"\\])*)"?|\\(.)/g,
    (_, single, double, escaped) => single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
  );
}
