/** Links and images of Markdown files that lead nowhere: to a file that is missing, or to a heading that it has not. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt({ html: true });

/** Links and places to jump to in HTML. */
const HTML_LINK = /<(?:a|img)\b[^>]*?\s(?:href|src)=["']([^"']*)["']/gi;
const HTML_ANCHOR = /\s(?:id|name)=["']([^"']+)["']/gi;

/** Every token with the line that it stands in, from 1 on; those within a line too. */
function* tokensOf(text) {
  for (const token of markdown.parse(text, {})) {
    const line = (token.map?.[0] ?? 0) + 1;
    yield { token, line };
    for (const child of token.children ?? []) yield { token: child, line };
  }
}

/** Where the links and images of a text lead. */
function targetsOf(text) {
  return [...tokensOf(text)].flatMap(({ token, line }) => {
    const own = token.attrGet('href') ?? token.attrGet('src');
    const html = token.type.startsWith('html_')
      ? [...token.content.matchAll(HTML_LINK)].map(([, target]) => target)
      : [];
    return [...(own === null ? [] : [own]), ...html].map((target) => ({ line, target }));
  });
}

/** The names by which a text's headings are reached, as GitHub gives them, and those that it gives itself. */
function anchorsOf(text) {
  const slugger = new GithubSlugger();
  const anchors = new Set([...text.matchAll(HTML_ANCHOR)].map(([, name]) => name));
  const tokens = markdown.parse(text, {});
  tokens.forEach(({ type }, index) => {
    if (type !== 'heading_open') return;
    const words = tokens[index + 1].children.filter((child) => ['text', 'code_inline'].includes(child.type));
    anchors.add(slugger.slug(words.map(({ content }) => content).join('')));
  });
  return anchors;
}

/** Why a link of a file leads nowhere; undefined where it does not, or leads out into the world. */
function faultOf(root, file, target) {
  if (/^([a-z][a-z+.-]+:|\/\/)/i.test(target)) return undefined;
  const [path, anchor = ''] = target.split('#').map(decodeURIComponent);
  const there =
    path === '' ? join(root, file) : resolve(root, path.startsWith('/') ? `.${path}` : join(dirname(file), path));
  if (!existsSync(there)) return `there is no ${path}`;
  if (anchor === '' || extname(there) !== '.md' || statSync(there).isDirectory()) return undefined;
  return anchorsOf(readFileSync(there, 'utf8')).has(anchor) ? undefined : `${path || file} has no heading #${anchor}`;
}

/** The dead links of a Markdown file, a line each: where, and what is missing. `root` is the folder that its path begins at. */
export function deadLinks(root, file) {
  return targetsOf(readFileSync(join(root, file), 'utf8')).flatMap(({ line, target }) => {
    const fault = faultOf(root, file, target);
    return fault === undefined ? [] : [`${file}:${line}: ${target}: ${fault}`];
  });
}
