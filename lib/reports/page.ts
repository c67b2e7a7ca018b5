/** The frame of a report: one file that asks for nothing from anywhere. */
import { writeFileWhole } from '../core/files.js';
import { type Html, html, trusted } from './html.js';
import { SCRIPT } from './script.js';
import { STYLE } from './style.js';

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** While work goes on the browser looks again this often. */
  readonly refreshSeconds?: number | undefined;
}

/** Browsers hold themselves to it: no request leaves the page. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

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

/** All of it or nothing. */
export async function writePage(path: string, content: Page): Promise<void> {
  await writeFileWhole(path, page(content));
}
