/** HTML as text: what is put into a template is escaped, unless it is HTML itself. */

/** Text that is HTML already. Made by {@link html} and {@link trusted} only. */
export class Html {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/** What can be put into a template. Nothing is written for null and undefined. */
export type Part = Html | string | number | null | undefined | readonly Part[];

/** Template for HTML: in `` html`<td>${name}</td>` `` the name can be any text. Attributes have to stand in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, index) => text + written(parts[index - 1]) + string));
}

/** Marks text of our own as HTML, which is not escaped. */
export function trusted(text: string): Html {
  return new Html(text);
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function written(part: Part): string {
  if (part === null || part === undefined) return '';
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(written).join('');
  return String(part).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
