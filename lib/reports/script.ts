/**
 * The report's script: a picture is enlarged in a dialog, arrow keys go to its neighbours. The picture itself moves there, and so do
 * the checkboxes, so that each exists once. Without the script everything else works: layers are switched by the style alone.
 */
export const SCRIPT = `
const dialog = document.querySelector('dialog');
const layers = document.querySelector('.layers');
if (dialog && layers) {
  const home = document.createElement('div');
  layers.before(home);
  const buttons = [...document.querySelectorAll('.open')];
  let shown;
  const putBack = () => {
    if (shown) shown.append(dialog.querySelector('.stack'));
    shown = undefined;
  };
  const show = (button) => {
    putBack();
    shown = button;
    dialog.querySelector('.place').append(button.querySelector('.stack'));
    dialog.querySelector('p').replaceChildren(...[...button.parentNode.querySelector('figcaption').childNodes].map((node) => node.cloneNode(true)));
  };
  const move = (by) => shown && show(buttons[(buttons.indexOf(shown) + by + buttons.length) % buttons.length]);
  for (const button of buttons) {
    button.addEventListener('click', () => {
      home.style.height = layers.offsetHeight + 'px';
      show(button);
      dialog.append(layers);
      dialog.showModal();
    });
  }
  dialog.addEventListener('close', () => {
    const button = shown;
    putBack();
    home.style.height = '';
    home.after(layers);
    button?.focus();
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowRight') move(1);
    if (event.key === 'ArrowLeft') move(-1);
  });
  dialog.querySelector('.before').addEventListener('click', () => move(-1));
  dialog.querySelector('.after').addEventListener('click', () => move(1));
}
`;
