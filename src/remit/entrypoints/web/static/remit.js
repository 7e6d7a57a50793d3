// The few things a page cannot do without a program: use a passkey, and send an answer. Nothing is decided here.
import { formOf, readJson } from './edit.js';
import { audit } from './audit.js';
import { call } from './call.js';
import { say, fail } from './say.js';
import { counting } from './counting.js';
import { consent } from './consent.js';
import { confirm } from './confirm.js';
import { makePasskey, passkeysOrCure, usePasskey } from './passkey.js';
import { desk } from './desk.js';
import { front } from './front.js';
import { live } from './live.js';
import { deciding, decidingKeys } from './decide.js';
import { macros } from './macros.js';
import { helping, queue, queueing } from './queue.js';
import { receipt } from './receipt.js';
import { security } from './security.js';
import { sending, spent } from './send.js';
import { switcher } from './switcher.js';
import { _, plural } from './texts.js';
import { localize, ticking } from './time.js';
import { views } from './views.js';

const forms = {
  'sign-in': async (form) => {
    const begun = await call('/login/v1/sign-in', {});
    const assertion = await usePasskey(begun.options);
    await call('/login/v1/sign-in', { ceremony: begun.ceremony, assertion });
    location.assign(form.dataset.after || '/');
  },
  enrol: async (form) => {
    const { code, replaces } = form.dataset;
    const begun = await call('/login/v1/enrol', { ...(code ? { code } : {}), ...(replaces ? { replaces: true } : {}) });
    const assertion = begun.old ? await usePasskey(begun.old) : undefined;
    const response = await makePasskey(begun.options);
    const label = form.elements.label.value.trim();
    await call('/login/v1/enrol', { ceremony: begun.ceremony, response, label, ...(assertion ? { assertion } : {}), ...(replaces ? { replaces: true } : {}) });
    location.assign(form.dataset.after || '/');
  },
  disown: async (form) => {
    const done = await call(`/me/v1/entries/${form.dataset.entry}/disown`, { text: form.elements.text.value });
    spent(form);
    const tasks = done.tasks.length;
    say(form, 'ok', _('This agent can do nothing more for you. Our security team has been informed.'),
      tasks ? plural('One running task was ended at once.', '{count} running tasks were ended at once.', tasks) : _('None of its tasks was running.'),
      done.already_sent.length ? _('Something had already been sent. Its outcome will appear here.') : '');
  },
  narrow: async (form) => {
    const wire = formOf(form, readJson('asked'));
    if (wire.powers.length === 0) {
      say(form, 'wait', _('Nothing would be left. Revoke the permission instead.'));
      return;
    }
    await call(`/me/v1/mandates/${form.dataset.mandate}/narrow`, wire);
    say(form, 'ok', _('Saved. The change applies from now on.'));
    setTimeout(() => location.reload(), 900);
  },
};

const actions = {
  'remove-passkey': async (button) => {
    const place = button.closest('section');
    const twin = `/me/v1/passkeys/${encodeURIComponent(button.dataset.key)}/remove`;
    const begun = await call(twin, {});
    const assertion = await usePasskey(begun.options);
    await call(twin, { ceremony: begun.ceremony, assertion });
    button.closest('li').remove();
    const left = place.querySelectorAll('[data-do="remove-passkey"]');
    if (left.length === 1) left[0].remove(); // the last one stays
    say(place, 'ok', _('Removed. No one can sign in or approve with it any more.'));
  },
  'resume-mandates': async (button) => {
    const begun = await call(button.dataset.twin, {});
    const assertion = await usePasskey(begun.options);
    await call(button.dataset.twin, { ceremony: begun.ceremony, assertion });
    location.assign('/');
  },
  revoke: async (button) => {
    const place = button.closest('form:has([data-result]), section');
    const done = await call(`/me/v1/mandates/${button.dataset.mandate}/revoke`, {});
    const card = button.closest('.card');
    if (card) card.remove();
    else place.querySelectorAll('button, input').forEach((one) => { one.disabled = true; });
    const tasks = done.tasks.length;
    say(place, 'ok', _('{agent} can do nothing more for you.', { agent: button.dataset.name }),
      tasks ? plural('One running task was ended at once.', '{count} running tasks were ended at once.', tasks) : '');
  },
};

async function guarded(place, work) {
  const told = place.querySelector('[data-result]');
  if (told) told.replaceChildren(); // what was said about the last try is not said of this one
  const buttons = [...place.querySelectorAll('button:enabled')];
  const had = document.activeElement;
  place.setAttribute('aria-busy', 'true');
  let next = null;
  buttons.forEach((one) => { one.disabled = true; });
  try {
    next = await work(); // what comes next for who uses the keyboard, if anything does
  } catch (problem) {
    fail(place, problem);
  } finally {
    place.removeAttribute('aria-busy');
    buttons.forEach((one) => { if (!one.hasAttribute('data-spent')) one.disabled = false; });
    if (next instanceof HTMLElement) next.focus();
    else if (document.activeElement === document.body) had.focus(); // a button that was disabled while busy had lost it
  }
}

/** What is folded on the page is printed whole. */
function printing() {
  let opened = [];
  window.addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details:not([open])')];
    opened.forEach((one) => { one.open = true; });
  });
  window.addEventListener('afterprint', () => opened.forEach((one) => { one.open = false; }));
}

function bind(root) {
  for (const form of root.querySelectorAll('form[data-form]')) {
    const work = forms[form.dataset.form];
    if (work) {
      form.addEventListener('submit', (event) => {
        event.preventDefault();
        guarded(form, () => work(form));
      });
    }
  }
  for (const button of root.querySelectorAll('[data-do]')) {
    const work = actions[button.dataset.do];
    if (work) {
      button.addEventListener('click', () => {
        const place = button.closest('form:has([data-result]), section') || document.body;
        work(button).catch((problem) => fail(place, problem));
      });
    }
  }
  for (const one of root.querySelectorAll('time[datetime]')) {
    localize(one, one.dateTime);
  }
  if (window.matchMedia('(max-width: 48rem)').matches) { // what stands beside on a wide screen is folded below on a narrow one
    for (const one of root.querySelectorAll('details[data-wide]')) one.open = false;
  }
  passkeysOrCure(root);
  sending(root, guarded);
  desk(root, guarded);
  queue(root);
  macros(root);
  deciding(root.querySelector('form[data-form="decide"]'), guarded);
  views(root, guarded);
  security(root);
  audit(root, guarded);
  confirm(root.querySelector('form[data-form="confirm"]'), guarded);
}

front();
bind(document);
live(bind);
helping();
printing();
queueing();
decidingKeys();
counting();
ticking();
switcher(document.querySelector('[data-switcher]'), guarded);
consent(document.querySelector('form[data-form="consent"]'), guarded);
receipt(document.querySelector('form[data-form="receipt"]'), guarded);
document.documentElement.dataset.ready = '';
