// An officer's decision: yes or release with a passkey, no, less, without the message. What is signed is what the page showed.
import { call } from './call.js';
import { formOf, lineItem, readJson } from './edit.js';
import { usePasskey } from './passkey.js';
import { commanded, wantsApproval } from './queue.js';
import { Wrong, say } from './say.js';
import { spent } from './send.js';
import { _ } from './texts.js';

const OUTCOMES = {
  done: ['ok', _('Done.')],
  failed: ['no', _('Failed. Nothing was changed.')],
  unknown: ['wait', _('Sent, but the outcome isn\'t confirmed yet. The case will show it.')],
  permitted: ['ok', _('Approved. It will be done in a moment.')],
  acting: ['ok', _('Approved. It\'s being done now.')],
  waiting: ['wait', _('Thank you. Someone else must also approve before anything is done.')],
  declined: ['ok', _('You declined. Nothing was done, and the agent may not ask for this again.')],
  void: ['wait', _('Cancelled. Nothing was done.')],
  refused: ['no', _('Blocked. Nothing was done.')],
};
const UNPASSED = { refused: ['ok', _('You didn\'t pass on the message. Nothing was done. The agent may ask again without it.')] };
const AFTER = {
  no_and_end: _('The agent\'s task has ended. The agent does nothing more in it.'),
  strip: _('The agent\'s message was left out. The request was decided separately.'),
};

function settled(form, reply, answer) {
  spent(form);
  form.querySelectorAll('[data-choices], .less').forEach((one) => { one.hidden = true; });
  document.querySelector('[data-live-part="assign"]')?.replaceChildren(); // an answered request is no one's work
  document.querySelectorAll(reply.state === 'waiting' ? '[data-waits-mine]' : '[data-waits]').forEach((one) => one.remove());
  const [look, words] = (answer === 'no' && UNPASSED[reply.state]) || OUTCOMES[reply.state] || ['ok', _('Your answer was saved.')];
  const box = document.getElementById('reply');
  say(form, look, answer === 'less' && reply.state === 'done' ? _('Done, with your changes.') : words, reply.reason || '', AFTER[answer] || '',
    box && answer !== 'no_and_end' ? _('Press r to reply to the agent, or q to go back to the queue.') : _('Press q to go back to the queue.'));
}

export function deciding(form, guarded) {
  if (!form) return;
  const shown = readJson('shown');
  const { twin } = form.dataset;
  const less = form.querySelector('#less');
  const announced = form.querySelector('[data-announced]');
  let lesser = null;
  const signed = (answer, options, language) => async () => {
    const assertion = await usePasskey(options());
    settled(form, await call(twin, { answer, assertion, ...(language ? { language } : {}) }), answer);
  };
  const plain = (answer) => async () => settled(form, await call(twin, { answer, language: shown.language }), answer);

  const answers = {
    yes: signed('yes', () => shown.options, shown.language),
    release: signed('release', () => shown.options, shown.language),
    strip: plain('strip'),
    no: plain('no'),
    no_and_end: plain('no_and_end'),
    'show-less': async () => {
      for (const list of less.querySelectorAll('fieldset')) {
        const kept = [...list.querySelectorAll('[data-edit="item"]')];
        if (kept.length && !kept.some((one) => one.checked)) throw new Wrong(_('Keep at least one selected, or decline.'), kept[0]);
      }
      lesser = await call(`${twin}/less`, { params: formOf(form, shown.params), language: shown.language });
      const lines = lesser.rendering.lines.filter((line) => ['act', 'param', 'effect', 'irreversible', 'recipient', 'told'].includes(line.kind));
      form.querySelector('[data-lesser-lines]').replaceChildren(...lines.map(lineItem));
      form.querySelector('[data-lesser]').hidden = false;
      announced.textContent = _('This would be done instead: {act}', { act: lines.filter((line) => line.kind === 'act').map((line) => line.text).join(' ') });
      return form.querySelector('[data-answer="sign-less"]');
    },
    'sign-less': async () => {
      const assertion = await usePasskey(lesser.options);
      settled(form, await call(twin, { answer: 'less', assertion }), 'less');
    },
  };

  const open = (shows) => {
    less.hidden = !shows;
    form.querySelector('[data-answer="less"]').setAttribute('aria-expanded', String(shows));
    form.querySelectorAll('[data-answer="yes"]').forEach((one) => { one.disabled = shows; }); // while less is written, the whole is signed by no mistake
    if (shows) less.querySelector('input').focus();
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (less && !less.hidden) guarded(form, answers['show-less']);
  });
  form.addEventListener('input', (event) => {
    lesser = null;
    event.target.removeAttribute('aria-invalid');
    if (announced) announced.textContent = '';
    const box = form.querySelector('[data-lesser]');
    if (box) box.hidden = true;
  });
  for (const button of form.querySelectorAll('[data-answer]:not([type="submit"])')) {
    button.addEventListener('click', () => {
      if (button.dataset.answer === 'less') open(less.hidden);
      else if (button.dataset.answer !== 'sign-less' || lesser) guarded(form, answers[button.dataset.answer]);
    });
  }
  const yes = form.querySelector('[data-answer="yes"], [data-answer="release"]');
  if (wantsApproval(form.dataset.confirmation) && yes) setTimeout(() => yes.click());
}

const press = (selector) => {
  const found = document.querySelector(selector);
  if (found && !found.disabled && !found.closest('[hidden]')) found.click();
};

const focus = (selector) => {
  const found = document.querySelector(selector);
  if (!found || found.disabled || found.closest('[hidden]')) return;
  found.focus();
  found.scrollIntoView({ block: 'nearest' });
};

const KEYS = {
  y: () => press('[data-choices] [data-answer="yes"], [data-choices] [data-answer="release"]'),
  n: () => focus('[data-choices] [data-answer="no"]'), // a no is one more press: the key alone declines nothing
  l: () => press('[data-choices] [data-answer="less"]'),
  r: () => focus('#reply'),
  a: () => press('[data-assign]'),
  h: () => {
    const hand = document.getElementById('hand');
    if (!hand) return;
    hand.open = true;
    hand.querySelector('select').focus();
  },
  q: () => location.assign('/desk'),
};

/** The keys of the page of one decision. */
export function decidingKeys() {
  if (!document.querySelector('[data-decide]')) return;
  document.addEventListener('keydown', (event) => {
    const work = KEYS[commanded(event)];
    if (!work) return;
    event.preventDefault();
    work();
  });
}
