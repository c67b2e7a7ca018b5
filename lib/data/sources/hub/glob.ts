/** File patterns as Python's fsspec reads them. */

/**
 * Makes a regular expression for whole paths: `*` and `?` stay within a folder, `**` goes through any number of them, `[0-9]` and
 * `{a,b}` choose. A pattern without any of these names one file, or all files below a folder.
 */
export function globPattern(glob: string): RegExp {
  const tokens = glob.replace(/^(\.?\/)+/, '').match(/\*\*\/|\*\*|\*|\?|\[[^\]]+\]|\{[^{}]*\}|[^*?]/gs) ?? [];
  const magic = tokens.some((token) => /^(\*|\?|\[.|\{.)/s.test(token));
  return new RegExp(`^${tokens.map(translated).join('')}${magic ? '' : '(/.*)?'}$`, 'su');
}

function translated(token: string): string {
  if (token === '**/') return '(?:.*/)?';
  if (token === '**') return '.*';
  if (token === '*') return '[^/]*';
  if (token === '?') return '[^/]';
  if (token.length > 1 && token.startsWith('[')) {
    return `[${token
      .slice(1, -1)
      .replace(/^!/, '^')
      .replace(/[\\[\]]/g, '\\$&')}]`;
  }
  if (token.length > 1 && token.startsWith('{')) {
    return `(?:${token.slice(1, -1).split(',').map(literal).join('|')})`;
  }
  return literal(token);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
