import { describe, expect, it } from 'vitest';
import { html, trusted } from '../../lib/reports/html.js';

describe('templates', () => {
  it('escape what is put into them, in text and in attributes', () => {
    const name = `<img src=x onerror="alert('&')">`;
    expect(html`<a title="${name}">${name}</a>`.text).toBe(
      '<a title="&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;">' +
        '&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;</a>',
    );
  });

  it('leave HTML as it is, also in lists, and write nothing for what is not there', () => {
    const items = ['a<b', 'c'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${null}${undefined}${0}${trusted('<hr>')}`.text).toBe(
      '<ul><li>a&lt;b</li><li>c</li></ul>0<hr>',
    );
  });
});
