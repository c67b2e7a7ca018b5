/**
 * The report's style. Colours of series are Okabe and Ito's, which people see apart whatever their colour vision; in dark mode those
 * that would vanish are replaced by their light relatives. Print is always light.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #fff; --text: #1b1f24; --soft: #5a626c; --line: #d5dae0; --panel: #f6f7f9;
  --series-0: #d55e00; --series-1: #0072b2; --series-2: #009e73; --series-3: #a6518a; --series-4: #b37700; --series-5: #333;
}
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171b; --text: #e6e9ec; --soft: #a3abb5; --line: #353b43; --panel: #1d2127;
  --series-0: #f07c2a; --series-1: #56b4e9; --series-2: #1fbf91; --series-3: #cc79a7; --series-4: #f0e442; --series-5: #ddd;
} }
@media print { :root {
  color-scheme: light;
  --ground: #fff; --text: #000; --soft: #444; --line: #bbb; --panel: #fff;
  --series-0: #d55e00; --series-1: #0072b2; --series-2: #009e73; --series-3: #a6518a; --series-4: #b37700; --series-5: #333;
} }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.2rem clamp(.8rem, 3vw, 2rem) 3rem; max-width: 84rem;
  font: 16px/1.5 system-ui, sans-serif; background: var(--ground); color: var(--text);
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p { max-width: 46rem; margin: .4rem 0; }
.soft, figcaption small { color: var(--soft); }
.lead { font-size: 1.1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .25rem .7rem .25rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { white-space: normal; font-weight: 600; color: var(--soft); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td:first-child { overflow-wrap: anywhere; white-space: normal; min-width: 8rem; }
td small { display: block; color: var(--soft); }
.facts th, .facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
.facts th { white-space: nowrap; font-weight: 400; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0 2.5rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1.2rem 2rem; }
.plot-figure { margin: 0; max-width: 34rem; break-inside: avoid; }
.plot-figure figcaption { font-weight: 600; }
.plot { display: block; width: 100%; height: auto; overflow: visible; font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: currentColor; }
.plot .tick { stroke: currentColor; }
.plot .grid { stroke: currentColor; stroke-opacity: .1; }
.plot .diagonal { stroke: currentColor; stroke-opacity: .5; stroke-width: 1.5; stroke-dasharray: 3 3; }
.plot .marker { stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 3 2; }
.swatch { width: 34px; height: 12px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1rem; margin: .1rem 0; padding: 0; font-size: .88rem; color: var(--soft); }
.legend li { position: relative; padding-left: 40px; }
.legend svg { position: absolute; left: 0; top: .3em; }
.layers {
  display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; border: 1px solid var(--line); border-radius: 6px;
  margin: .6rem 0; padding: .35rem .7rem; background: var(--panel);
}
.layers label { display: inline-flex; gap: .4rem; align-items: center; min-height: 1.9rem; overflow-wrap: anywhere; }
.layers svg { flex: none; background: #555; border-radius: 3px; }
.sticky { position: sticky; top: 0; z-index: 1; }
.pictures { display: grid; gap: .9rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.pictures.small { gap: .6rem; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
.pictures figure { margin: 0; break-inside: avoid; }
.pictures small { display: block; }
.pictures figcaption { font-size: .85rem; line-height: 1.35; overflow-wrap: anywhere; margin-top: .25rem; }
.open { display: block; width: 100%; aspect-ratio: var(--ratio); padding: 0; border: 0; background: none; cursor: zoom-in; font: inherit; color: inherit; }
:focus-visible { outline: 3px solid var(--series-1); outline-offset: 2px; }
.stack { position: relative; display: block; aspect-ratio: var(--ratio); }
.stack img, .stack svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.over path, .over rect { vector-effect: non-scaling-stroke; stroke-width: 2; stroke-linejoin: round; }
.over .halo { stroke: #000; stroke-opacity: .55; stroke-width: 4; fill: none; }
.small .over path { stroke-width: 1; }
.small .over .halo { stroke-width: 2; }
.mask-label { stroke: #fff; fill: none; stroke-dasharray: 5 4; }
.mask-0 { stroke: #ff8c1a; fill: url(#hatch); stroke-dasharray: 9 3 2 3; }
.mask-1 { stroke: #56b4e9; fill: #56b4e9; fill-opacity: .3; }
.mask-2 { stroke: #f0e442; fill: #f0e442; fill-opacity: .22; stroke-dasharray: 2 3; }
.mask-3 { stroke: #ff9fd0; fill: #ff9fd0; fill-opacity: .22; stroke-dasharray: 12 4; }
.mask-4 { stroke: #2ee6ae; fill: #2ee6ae; fill-opacity: .22; stroke-dasharray: 4 2; }
.mask-5 { stroke: #ddd; fill: #ddd; fill-opacity: .22; stroke-dasharray: 1 2; }
.prompt-in { fill: #19c24a; stroke: #fff; stroke-width: 2; }
.prompt-out { fill: #e5322d; stroke: #fff; stroke-width: 2; }
.prompt-sign { stroke: #fff; stroke-width: 2.5; }
.prompt-box { fill: none; stroke: #f0e442; }
dialog {
  border: 0; border-radius: 8px; padding: .7rem; background: var(--ground); color: var(--text);
  width: max-content; max-width: 98vw; max-height: 98vh;
}
dialog::backdrop { background: rgb(0 0 0 / .75); }
dialog .stack { width: min(94vw, 76vh * var(--ratio)); margin: .3rem auto; }
dialog nav { display: flex; gap: .6rem; align-items: center; }
dialog nav p { flex: 1; margin: 0; overflow-wrap: anywhere; font-size: .95rem; }
dialog button {
  font: inherit; padding: .3rem .8rem; min-height: 2.2rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--panel); color: var(--text); cursor: pointer;
}
details > summary { cursor: pointer; margin: .8rem 0; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; }
  th, td { padding-right: .5rem; }
  .plots, .columns { grid-template-columns: 1fr 1fr; }
  .pictures { grid-template-columns: repeat(4, 1fr); }
  .pictures.small { grid-template-columns: repeat(8, 1fr); }
  .sticky { position: static; }
  tr, img { break-inside: avoid; }
  img, .over, .layers svg, .legend svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
