// The officer's queue from the keyboard, and declining several requests at once. There is no approving several at once.
import { call } from './call.js';
import { refreshed } from './live.js';
import { fail, say } from './say.js';
import { _, plural } from './texts.js';

const APPROVE = 'remit-approve';

/** Which request the reader asked to approve on the page before this one; asked once, it is forgotten. */
export function wantsApproval(confirmation) {
  const wanted = sessionStorage.getItem(APPROVE);
  sessionStorage.removeItem(APPROVE);
  return wanted === confirmation;
}

/** A key pressed in a field is written; one with Ctrl, Alt or Meta is the browser's. */
export function commanded(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return '';
  const where = event.target;
  if (where.closest('textarea, select, [contenteditable], input:not([type="checkbox"])')) return '';
  return event.key.length === 1 ? event.key.toLowerCase() : '';
}

/** The list of keys: shown by ?, closed by ? or Escape. */
export function helping() {
  const dialog = document.getElementById('keys-dialog');
  if (!dialog) return;
  document.querySelector('[data-keys]').addEventListener('click', () => dialog.showModal());
  dialog.querySelector('[data-keys-close]').addEventListener('click', () => dialog.close());
  document.addEventListener('keydown', (event) => {
    if (event.key !== '?') return;
    if (dialog.open) dialog.close();
    else if (commanded(event)) dialog.showModal();
    else return;
    event.preventDefault();
  });
}

const place = () => document.querySelector('section.queue');
const rows = () => [...document.querySelectorAll('tr[data-row]')];
const current = () => document.activeElement?.closest('tr[data-row]');
const actOf = (row) => row.querySelector('[data-open]').textContent;

function move(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = at < 0 ? all[0] : all[at + by];
  if (!next) return;
  next.querySelector('[data-open]').focus();
  next.scrollIntoView({ block: 'nearest' });
}

async function take(confirmation) {
  const had = document.activeElement;
  try {
    await call(`/desk/v1/confirmations/${confirmation}/take`, {});
    say(place(), 'ok', _('Assigned to you for 10 minutes. Your colleagues can see that.'));
    had?.focus(); // it is announced where it stands, and the work goes on in the list
  } catch (problem) {
    fail(place(), problem);
  }
  refreshed();
}

function approve(row) {
  if (row.hasAttribute('data-answerable')) sessionStorage.setItem(APPROVE, row.dataset.row);
  location.assign(row.dataset.page);
}

const picked = () => [...document.querySelectorAll('[data-pick]:checked')].map((one) => one.closest('tr'));

function told() {
  const bar = document.querySelector('[data-bulk]');
  const count = new Set(picked().map((row) => row.dataset.row)).size;
  bar.hidden = !count;
  bar.querySelector('[data-bulk-count]').textContent = count ? plural('{count} selected', '{count} selected', count) : '';
}

function listed(lines) {
  return lines.map((line) => Object.assign(document.createElement('li'), { textContent: line }));
}

function ask(chosen) {
  const dialog = document.getElementById('decline-dialog');
  const back = document.activeElement;
  const acts = new Map(chosen.map((row) => [row.dataset.row, actOf(row)]));
  dialog.querySelector('[data-decline-title]').textContent = plural('Decline this request?', 'Decline these {count} requests?', acts.size);
  dialog.querySelector('[data-decline-list]').replaceChildren(...listed([...acts.values()]));
  dialog.acts = acts;
  dialog.back = back?.id;
  dialog.showModal();
}

async function decline(dialog) {
  const { acts } = dialog;
  dialog.close();
  try {
    const { results } = await call('/desk/v1/decline', { confirmations: [...acts.keys()], language: document.documentElement.lang });
    const done = results.filter((one) => one.state);
    say(place(), done.length === results.length ? 'ok' : 'wait',
      plural('{count} request declined. Nothing was done for it.', '{count} requests declined. Nothing was done for them.', done.length),
      ...results.map((one) => (one.state
        ? _('Declined: {act}', { act: acts.get(one.confirmation) })
        : _('Not declined: {act} ({why})', { act: acts.get(one.confirmation), why: one.title }))));
    document.querySelectorAll('[data-pick]:checked').forEach((one) => { if (acts.has(one.value)) one.checked = false; });
  } catch (problem) {
    fail(place(), problem);
  }
  told();
  refreshed();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  y: (row) => approve(row),
  n: (row) => { if (row.hasAttribute('data-answerable')) ask([row]); },
  x: (row) => { row.querySelector('[data-pick]')?.click(); },
  a: (row) => { if (row.hasAttribute('data-answerable')) take(row.dataset.row); },
  '/': () => document.getElementById('f-customer').focus(),
};

function keyboard() {
  document.addEventListener('keydown', (event) => {
    const key = commanded(event);
    const work = KEYS[key];
    if (!work) return;
    const row = current();
    if ('ynxa'.includes(key) && !row) return; // a request that nobody chose is neither answered nor taken
    event.preventDefault();
    work(row);
  });
}

/** What one part of the page does; again for a part that was renewed. */
export function queue(root) {
  for (const button of root.querySelectorAll('[data-take]')) button.addEventListener('click', () => take(button.dataset.take));
  for (const box of root.querySelectorAll('[data-pick]')) box.addEventListener('change', told);
  for (const button of root.querySelectorAll('button[data-seen]')) {
    button.addEventListener('click', async () => {
      try {
        await call(`/desk/v1/mentions/${button.dataset.seen}`, {});
        button.closest('li').remove();
      } catch (problem) {
        fail(place(), problem);
      }
    });
  }
  if (root.matches?.('[data-live-part="queue"]')) told();
}

export function queueing() {
  const dialog = document.getElementById('decline-dialog');
  if (!dialog) return;
  keyboard();
  document.querySelector('[data-bulk-decline]').addEventListener('click', () => ask(picked()));
  document.querySelector('[data-bulk-clear]').addEventListener('click', () => {
    document.querySelectorAll('[data-pick]:checked').forEach((one) => { one.checked = false; });
    told();
    rows()[0]?.querySelector('[data-open]').focus();
  });
  dialog.querySelector('[data-decline-yes]').addEventListener('click', () => decline(dialog));
  dialog.querySelector('[data-decline-no]').addEventListener('click', () => dialog.close());
}
