/** The page around a report: one file that asks for nothing from anywhere. */
import { writeFileWhole } from '../core/files.js';
import { type Html, html, trusted } from './html.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

/** What a page shows. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  /** Seconds after which the browser looks again, while work goes on; never by default. */
  readonly refreshSeconds?: number | undefined;
}

/** Content security policy, which browsers enforce: no request leaves the page. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Writes a page as HTML text. */
export function page({ title, body, refreshSeconds }: Page): string {
  const refresh =
    refreshSeconds === undefined ? undefined : html`<meta http-equiv="refresh" content="${refreshSeconds}">\n`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
${refresh}<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** Writes a page to a file, wholly or not at all. */
export async function writePage(path: string, content: Page): Promise<void> {
  await writeFileWhole(path, page(content));
}
