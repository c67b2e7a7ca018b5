/** Script of the review page. It runs in a browser, from a file, without anything else. */

/**
 * Function of the script that writes the manifest of the decisions, as `applyDecisions` does.
 *
 * `audit`: {@link ReviewData}; `decisions`: keep, replace or drop by name.
 */
export const MANIFEST_SCRIPT = `
function manifestOf(audit, decisions) {
  const quoted = (field) => (/[",\\r\\n]|^\\s|\\s$/.test(field) ? '"' + field.replaceAll('"', '""') + '"' : field);
  const rows = audit.items
    .filter(({ name }) => decisions[name] !== 'drop')
    .map(({ name, image, mask, prediction }) => [image, decisions[name] === 'replace' ? prediction : mask, audit.split, name]);
  const others = audit.others.map(({ name, split, image, mask }) => [image, mask, split, name]);
  return [['image', 'mask', 'split', 'name'], ...rows, ...others].map((row) => row.map(quoted).join(',') + '\\n').join('');
}
`;

export const REVIEW_SCRIPT = `
${MANIFEST_SCRIPT}
const audit = JSON.parse(document.getElementById('audit').textContent);
const cards = [...document.querySelectorAll('.card')];
const nameOf = (card) => audit.items[cards.indexOf(card)].name;
const memory = 'sam-native audit ' + audit.folder + ' ' + audit.createdAt;
let decisions = {};
// What was decided outlives the page, where the browser lets a file keep anything.
try { decisions = JSON.parse(localStorage.getItem(memory)) ?? {}; } catch {}

function show() {
  const counts = { keep: 0, replace: 0, drop: 0 };
  for (const card of cards) {
    const decision = decisions[nameOf(card)];
    for (const radio of card.querySelectorAll('input')) radio.checked = radio.value === decision;
    if (decision !== undefined) counts[decision]++;
  }
  const left = cards.length - counts.keep - counts.replace - counts.drop;
  document.getElementById('counts').textContent =
    counts.keep + ' kept, ' + counts.replace + ' replaced, ' + counts.drop + ' dropped, ' + left + ' not decided (kept)';
}

function decide(card, decision) {
  decisions[nameOf(card)] = decision;
  try { localStorage.setItem(memory, JSON.stringify(decisions)); } catch {}
  show();
}

let current = -1;
function select(index, scroll = true) {
  const large = document.querySelector('.large');
  cards[current]?.classList.remove('current', 'large');
  current = Math.max(0, Math.min(cards.length - 1, index));
  const card = cards[current];
  card.classList.add('current');
  if (large) card.classList.add('large');
  card.focus({ preventScroll: true });
  if (scroll) card.scrollIntoView({ block: 'nearest' });
}
const enlarge = (card) => card.classList.toggle('large');

for (const [index, card] of cards.entries()) {
  const [label, prediction] = card.querySelectorAll('defs path');
  // Inside exactly one of the two, by the even-odd rule.
  card.querySelector('.difference').setAttribute('d', label.getAttribute('d') + prediction.getAttribute('d'));
  card.addEventListener('change', ({ target }) => decide(card, target.value));
  card.addEventListener('pointerdown', () => { if (current !== index) select(index, false); });
  card.querySelector('.picture').addEventListener('click', () => { select(index, false); enlarge(card); });
}
for (const box of document.querySelectorAll('.layers input')) {
  const apply = () => document.body.classList.toggle('without-' + box.value, !box.checked);
  box.addEventListener('change', apply);
  apply();
}
// Pictures are loaded when they come near; paper has them all.
addEventListener('beforeprint', () => { for (const image of document.images) image.loading = 'eager'; });
const toggle = (layer) => document.querySelector('.layers [value=' + layer + ']').click();

const KEYS = {
  j: () => select(current + 1), ArrowRight: () => select(current + 1),
  k: () => select(current - 1), ArrowLeft: () => select(current - 1),
  1: () => choose('keep'), 2: () => choose('replace'), 3: () => choose('drop'),
  l: () => toggle('label'), p: () => toggle('prediction'), x: () => toggle('difference'),
  z: () => { if (current < 0) select(0); enlarge(cards[current]); },
  Escape: () => cards[current]?.classList.remove('large'),
};
function choose(decision) {
  if (current < 0) return;
  decide(cards[current], decision);
  select(current + 1);
}
document.addEventListener('keydown', (event) => {
  const arrowOfRadio = event.target.type === 'radio' && event.key.startsWith('Arrow');
  if (event.ctrlKey || event.metaKey || event.altKey || arrowOfRadio || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

function save(name, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
const next = document.getElementById('next');
document.getElementById('manifest').addEventListener('click', () => {
  save('reviewed.csv', 'text/csv', manifestOf(audit, decisions));
  next.innerHTML = document.getElementById('after-manifest').innerHTML;
});
document.getElementById('decisions').addEventListener('click', () => {
  const { folder, createdAt } = audit;
  save('decisions.json', 'application/json', JSON.stringify({ audit: folder, createdAt, decisions }, null, 2) + '\\n');
  next.innerHTML = document.getElementById('after-decisions').innerHTML;
});
show();
`;
