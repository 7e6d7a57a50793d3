// Prepared replies: chosen from a list, or typed as /name and Enter. They are only typed here; what is sent is checked like any text.
import { _ } from './texts.js';

function put(box, text, from, to) {
  box.setRangeText(text, from, to, 'end');
  box.dispatchEvent(new Event('input', { bubbles: true }));
  box.focus();
}

// The /name before the cursor, at the beginning of a word.
function named(box) {
  if (box.selectionStart !== box.selectionEnd) return null;
  const found = /(?:^|\s)\/([a-z0-9_-]*)$/.exec(box.value.slice(0, box.selectionStart));
  return found && { name: found[1], from: box.selectionStart - found[1].length - 1 };
}

function macro(form) {
  const list = JSON.parse(form.dataset.macros);
  const box = form.elements.text;
  const select = form.querySelector('[data-macro]');
  const hint = form.querySelector('[data-macro-hint]');
  if (!list.length || !select) return;
  const fits = () => {
    const typed = named(box);
    return typed ? { ...typed, fitting: list.filter((one) => one.name.startsWith(typed.name)) } : null;
  };
  select.addEventListener('change', () => {
    const chosen = list.find((one) => one.name === select.value);
    select.value = '';
    if (chosen) put(box, chosen.text, box.selectionStart, box.selectionEnd);
  });
  box.addEventListener('input', () => {
    const found = fits();
    hint.textContent = found && found.fitting.length
      ? _('Press Enter to insert: {names}', { names: found.fitting.slice(0, 4).map((one) => `/${one.name} (${one.title})`).join(', ') }) : '';
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
      return;
    }
    if (event.key !== 'Enter' || event.shiftKey) return;
    const found = fits();
    if (!found || !found.fitting.length) return;
    event.preventDefault();
    put(box, found.fitting[0].text, found.from, box.selectionStart);
  });
}

export function macros(root) {
  root.querySelectorAll('form[data-macros]').forEach(macro);
}
