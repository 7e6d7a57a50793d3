// An officer's page of one decision: its keys, and what it shows once it was answered.
import { confirm, outcome } from './confirm.js';
import { commanded, wantsApproval } from './queue.js';
import { say } from './say.js';
import { _ } from './texts.js';

function toQueue(form, reply, answer) {
  form.querySelectorAll('.less').forEach((one) => { one.hidden = true; });
  document.querySelector('[data-live-part="assign"]')?.replaceChildren(); // an answered request is no one's work
  document.querySelectorAll(reply.state === 'waiting' ? '[data-waits-mine]' : '[data-waits]').forEach((one) => one.remove());
  const box = document.getElementById('reply');
  say(form, ...outcome(reply, answer, _('Sent, but the outcome isn\'t confirmed yet. The case will show it.')),
    box && answer !== 'no_and_end' ? _('Press r to reply to the agent, or q to go back to the queue.') : _('Press q to go back to the queue.'));
}

export function deciding(form, guarded) {
  if (!form) return;
  confirm(form, guarded, toQueue);
  const yes = form.querySelector('[data-answer="yes"], [data-answer="release"]');
  if (wantsApproval(form.dataset.confirmation)) yes?.focus(); // the page is read before a passkey is asked for
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
    if (event.repeat) return; // a key held down since the queue decides nothing here
    const work = KEYS[commanded(event)];
    if (!work) return;
    event.preventDefault();
    work();
  });
}
