// From a form back to JSON: only what can be taken away or lowered, everything else as it was asked.
import { Wrong } from './say.js';
import { _ } from './texts.js';

export function readJson(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

function at(root, path) {
  return path.reduce((value, step) => value[step], root);
}

// The digits a field is written with: those of the amount that was asked, or of the currency.
function digitsOf(input) {
  return Number(input.dataset.digits ?? (input.dataset.most.split('.')[1] || '').length);
}

function verified(input, text) {
  const { edit, most, unit } = input.dataset;
  const shown = unit ? `${text} ${unit}` : text;
  if (!/^-?[0-9]+([.][0-9]+)?$/.test(text)) throw new Wrong(text ? _('“{value}” is not a number.', { value: input.value.trim() }) : _('Enter a number.'), input);
  // A limit of a permission that is a plain number may be nothing; an amount, and what is asked for, may not.
  const limit = edit === 'number' && input.dataset.at.startsWith('["powers"');
  if (Number(text) <= 0 && !limit) throw new Wrong(_('Enter more than zero. “{value}” is too low.', { value: shown }), input);
  if (edit === 'count' && text.includes('.')) throw new Wrong(_('Enter a whole number.'), input);
  if (edit === 'money' && (text.split('.')[1] || '').length > digitsOf(input)) throw new Wrong(_('“{value}” has too many decimal places.', { value: shown }), input);
  const asked = unit ? `${most} ${unit}` : most;
  if (most && Number(text) > Number(most)) throw new Wrong(_('“{value}” is more than requested ({asked}).', { value: shown, asked }), input);
  input.removeAttribute('aria-invalid');
}

export function amount(input) {
  let text = input.value.trim().replace(',', '.');
  if (input.dataset.edit === 'count' && text === '') {
    input.removeAttribute('aria-invalid');
    return undefined;
  }
  if (input.dataset.unit && text.endsWith(input.dataset.unit)) text = text.slice(0, -input.dataset.unit.length).trim();
  verified(input, text);
  if (input.dataset.edit !== 'money') return Number(text);
  const [whole, part] = text.replace(/^0+(?=[0-9])/, '').split('.');
  const digits = digitsOf(input);
  return `${whole}${part === undefined && digits === 0 ? '' : `.${(part || '').padEnd(digits, '0')}`} ${input.dataset.unit}`;
}

export function formOf(form, asked) {
  const made = structuredClone(asked);
  const struck = new Set();
  for (const input of form.querySelectorAll('[data-edit="strike"]')) {
    if (!input.checked) struck.add(JSON.parse(input.dataset.at)[1]);
  }
  const dropped = new Map();
  for (const input of form.querySelectorAll('[data-edit]')) {
    const path = input.dataset.at ? JSON.parse(input.dataset.at) : null;
    if (!path || (path[0] === 'powers' && struck.has(path[1]))) continue;
    const last = path[path.length - 1];
    const parent = at(made, path.slice(0, -1));
    if (['money', 'number', 'count'].includes(input.dataset.edit)) {
      if (input.value === input.defaultValue) {
        input.removeAttribute('aria-invalid');
        continue;
      }
      const value = amount(input);
      if (value === undefined) delete parent[last];
      else parent[last] = value;
    } else if (input.dataset.edit === 'item' && !input.checked) {
      if (!dropped.has(parent)) dropped.set(parent, new Set());
      dropped.get(parent).add(last);
    }
  }
  for (const [list, places] of dropped) {
    const kept = list.filter((one, place) => !places.has(place));
    list.splice(0, list.length, ...kept);
  }
  if (made.powers) made.powers = made.powers.filter((power, place) => !struck.has(place) && !hasEmpty(power));
  return made;
}

function hasEmpty(power) {
  return ['actions', 'attributes'].some((name) => power[name] && power[name].length === 0);
}

export function lineItem(line) {
  const item = document.createElement('li');
  item.className = `line ${line.kind}`;
  item.textContent = line.text;
  if (line.details.length) item.append(details(line.details));
  return item;
}

export function details(lines) {
  const list = document.createElement('ul');
  list.className = 'fine';
  list.append(...lines.map((one) => {
    const item = document.createElement('li');
    item.textContent = one;
    return item;
  }));
  return list;
}
