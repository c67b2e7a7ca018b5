/**
 * Style of the review page: light and dark, screen and paper. Orange and blue (Okabe and Ito 2008) are told apart whatever colours
 * one sees; dashes say the same once more.
 */
export const REVIEW_STYLE = `
:root { color-scheme: light dark; --back: #f6f7f8; --card: #fff; --text: #1b1f23; --soft: #57606a; --line: #d0d7de; --mark: #0072b2;
  --label: #ff9f1c; --prediction: #6cc5ff; }
@media (prefers-color-scheme: dark) { :root { --back: #101418; --card: #1a2027; --text: #e6e9ec; --soft: #9aa5b1; --line: #333d48;
  --mark: #6cc5ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.45 system-ui, sans-serif; }
header, main { max-width: 1500px; margin: 0 auto; padding: 0 16px; }
h1 { font-size: 1.5rem; margin: 24px 0 8px; }
header p { margin: 0 0 8px; max-width: 75ch; }
.soft { color: var(--soft); }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 5px; font: 0.85em ui-monospace, monospace; background: var(--card); }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
.layers { display: flex; flex-wrap: wrap; gap: 6px 20px; margin: 12px 0 16px; }
.layers label { display: flex; align-items: center; gap: 6px; cursor: pointer; }
.layers svg { background: #3b444d; border-radius: 3px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 16px; align-items: start;
  padding-bottom: 24px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; scroll-margin: 12px 0 150px; }
.card:focus { outline: none; }
.card.current { outline: 3px solid var(--mark); outline-offset: 1px; }
.card h2 { font-size: 1rem; margin: 10px 0 0; overflow-wrap: anywhere; }
.card p { margin: 2px 0 10px; font-size: 0.9rem; }
.card strong { font-variant-numeric: tabular-nums; }
.picture { position: relative; display: block; margin: 0 auto; padding: 0; border: 0; background: none; cursor: zoom-in;
  width: min(100%, calc(62vh * var(--ratio))); }
.picture img { display: block; width: 100%; height: auto; border-radius: 4px; background: var(--line); }
.picture svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
/* By class alone: what <use> shows is outside the card for selectors. */
.outline { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.picture .halo { stroke: #000; stroke-opacity: 0.6; stroke-width: 4.5; }
.label .line { stroke: var(--label); stroke-width: 2.5; }
.prediction .line { stroke: var(--prediction); stroke-width: 2.5; stroke-dasharray: 7 4; }
.picture .difference { fill: #fff; fill-opacity: 0.45; fill-rule: evenodd; }
.without-label .picture .label, .without-prediction .picture .prediction, .without-difference .picture .difference { display: none; }
fieldset { border: 0; padding: 0; margin: 0; display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; }
fieldset label { display: flex; align-items: center; justify-content: center; gap: 6px; min-height: 44px; cursor: pointer;
  border: 1px solid var(--line); border-radius: 6px; padding: 4px; }
fieldset label:has(:checked) { border-color: var(--mark); box-shadow: inset 0 0 0 1px var(--mark); font-weight: 600; }
input { accent-color: var(--mark); margin: 0; }
.card:has([value=drop]:checked) .picture, .card:has([value=replace]:checked) .label, .card:has([value=keep]:checked) .prediction {
  opacity: 0.35; }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.bar { position: sticky; bottom: 0; background: var(--card); border-top: 1px solid var(--line); padding: 10px 16px; }
.bar > div { max-width: 1468px; margin: 0 auto; display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; }
.bar p { margin: 0; flex: 1 1 22ch; }
.bar #next { flex-basis: 100%; font-size: 0.9rem; }
button.action { font: inherit; min-height: 44px; padding: 6px 14px; border-radius: 6px; border: 1px solid var(--mark); cursor: pointer;
  color: var(--mark); background: none; }
button.main { background: var(--mark); color: var(--card); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.card.large { position: fixed; inset: 0; z-index: 2; overflow: auto; margin: 0; border: 0; border-radius: 0; outline: none;
  display: flex; flex-direction: column; justify-content: center; }
.card.large .picture { width: min(100%, calc((100vh - 190px) * var(--ratio))); cursor: zoom-out; }
.card.large > :not(.picture) { width: min(100%, 720px); margin-inline: auto; }
body:has(.large) { overflow: hidden; }
@media (max-width: 600px) { .keys { display: none; } header, main { padding: 0 10px; } .bar { padding: 8px 10px; }
  .bar p { flex-basis: 100%; font-size: 0.9rem; } button.action { flex: 1; padding: 6px; } .cards { gap: 10px; } }
@media print { :root { color-scheme: light; --back: #fff; --card: #fff; --text: #000; --soft: #444; --line: #999; --mark: #000; }
  .bar, .keys { display: none; } .cards { grid-template-columns: 1fr 1fr; } .card { break-inside: avoid; }
  .card.current { outline: none; }
  .picture { width: min(100%, calc(9cm * var(--ratio))); } fieldset label { min-height: 0; }
  .picture, .layers svg { print-color-adjust: exact; } }
`;
