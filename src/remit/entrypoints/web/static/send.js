// What a form or a button does is said by itself: where it is sent (data-send, with {fields} in it), what besides its fields (data-body), what is
// said when it is done (data-done, with {members} of the answer; data-shows is one to be shown alone), and what follows (data-after: reload, spent,
// or a page). Fields with data-many are lists: what is ticked, or one a line. What needs more than that has a program of its own.
import { call } from './call.js';
import { say } from './say.js';
import { _, filled } from './texts.js';

export const later = () => setTimeout(() => location.reload(), 1100);

function put(body, name, value) {
  const [first, ...rest] = name.split('.');
  if (rest.length) put(body[first] ??= {}, rest.join('.'), value);
  else body[first] = value;
}

function entered(form) {
  const body = {};
  for (const one of form.elements || []) {
    if (!one.name) continue;
    const name = one.selectedOptions?.[0]?.dataset.member || one.name;
    const value = one.type === 'textarea' ? one.value : one.value.trim();
    if (!one.hasAttribute('data-many')) put(body, name, value);
    else if (one.type === 'checkbox') put(body, name, [...(body[name] || []), ...(one.checked ? [value] : [])]);
    else put(body, name, value.split('\n').map((line) => line.trim()).filter(Boolean));
  }
  return body;
}

export function spent(place) {
  place.querySelectorAll('button, input, select, textarea').forEach((one) => { one.disabled = true; one.setAttribute('data-spent', ''); });
}

// Where nobody else could agree, the page says so, and how to come by a second person.
function proposed(place) {
  const alone = document.querySelector('[data-alone]');
  say(place, 'wait', _('Proposed. A second person must approve.'), alone ? alone.textContent : '');
  if (!alone) later();
}

export async function send(one, place) {
  const { send: to, body, done, shows, after } = one.dataset;
  const fields = entered(one);
  const path = to.replace(/\{([a-z_]+)\}/g, (whole, name) => {
    const value = fields[name];
    delete fields[name];
    return encodeURIComponent(value);
  });
  const told = await call(path, { ...fields, ...JSON.parse(body || '{}') });
  if (after?.startsWith('/')) {
    location.assign(told.redirect || after); // at the company's login, too, where one came from there
    return;
  }
  if (told.proposal?.proposal) { // one that was made just now is told whole
    proposed(place);
    return;
  }
  if (after === 'reload') later();
  if (after) spent(one.elements ? one : place);
  else one.reset?.();
  say(place, 'ok', filled(done, told), shows ? told[shows] : '');
}

export function sending(root, guarded) {
  for (const form of root.querySelectorAll('form[data-send]')) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      guarded(form, () => send(form, form));
    });
  }
  for (const button of root.querySelectorAll('button[data-send]')) {
    const place = button.closest('form, .queue > li, section') || button.closest('header, footer');
    button.addEventListener('click', () => guarded(place, () => send(button, place)));
  }
}
