// The page that verifies a receipt: reads a file or fetches the one that was asked for, and shows what is proved. Nothing is sent.
import { Unproved, verifyReceipt } from './proof.js';
import { say } from './say.js';
import { _ } from './texts.js';
import { localize } from './time.js';

function shown(name, body) {
  const part = document.createElement('details');
  const title = document.createElement('summary');
  title.textContent = name;
  const text = document.createElement('pre');
  text.textContent = JSON.stringify(body, null, 2);
  part.append(title, text);
  return part;
}

async function fetched(path) {
  const answer = await fetch(path, { credentials: 'same-origin' });
  if (!answer.ok) throw new Unproved(answer.status === 404 ? _('No such receipt is available to you.') : _('The receipt can\'t be loaded. Sign in and try again.'));
  return answer.text();
}

export function receipt(form, guarded) {
  if (!form) return;
  const place = form.querySelector('[data-proved]');
  const verify = async () => {
    place.replaceChildren();
    const file = form.elements.file.files[0];
    try {
      if (!file && !form.dataset.entry) throw new Unproved(_('Choose a receipt first.'));
      const text = file ? await file.text() : await fetched(`/log/receipts/${form.dataset.entry}`);
      const found = await verifyReceipt(text, form.elements.key.value);
      say(form, 'ok', _('Valid: entry {entry} is in the log {log} exactly as shown below.', { entry: found.index, log: found.origin }), _('Its checkpoint covers {count} entries and is signed with this key.', { count: found.size }));
      const when = document.createElement('time');
      when.dateTime = new Date(found.at).toISOString();
      localize(when, when.dateTime);
      const line = document.createElement('p');
      const [before, after] = _('Recorded {when} as {kind}.', { when: '\u0000', kind: found.kind }).split('\u0000');
      line.append(before, when, after);
      const parts = { envelope: _('Visible to everyone who can see the entry'), agent: _('Only for the agent'), customer: _('Only for the customer'), desk: _('Only for the support team') };
      place.replaceChildren(line, ...Object.entries(found.sections).map(([name, body]) => shown(parts[name], body)));
    } catch (problem) {
      if (!(problem instanceof Unproved)) throw problem;
      say(form, 'no', _('Verification failed.'), _(problem.message));
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    guarded(form, verify);
  });
  if (form.dataset.entry) guarded(form, verify);
}
