/** A prompt as SVG, wherever one is shown: what its points and its box look like. Colours are the style's. */
import { movedPrompt, type Place } from './geometry.js';
import type { PromptShapes } from './prompt.js';

/** Signs of points inside and outside: colour alone would not tell everybody. */
const SIGNS = { in: 'M-4 0H4M0-4V4', out: 'M-4 0H4' };

/**
 * Draws a prompt as SVG elements of the classes `prompt-in`, `prompt-out`, `prompt-sign` and `prompt-box`.
 *
 * @param place where a coordinate of the prompt lies in the picture.
 */
export function promptMarks(prompt: PromptShapes, place: Place): string {
  const { points, labels, box } = movedPrompt(prompt, place);
  const dots = points.map(([x, y], index) => {
    const side = labels[index] === 1 ? 'in' : 'out';
    const [dot, sign] = [`<circle r="8" class="prompt-${side}"/>`, `<path class="prompt-sign" d="${SIGNS[side]}"/>`];
    return `<g transform="translate(${x} ${y})">${dot}${sign}</g>`;
  });
  if (box === null) return dots.join('');
  const [x0, y0, x1, y1] = box;
  const size = `width="${Number((x1 - x0).toFixed(2))}" height="${Number((y1 - y0).toFixed(2))}"`;
  return `<rect class="prompt-box" x="${x0}" y="${y0}" ${size}/>${dots.join('')}`;
}
