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

// What a reply holds, where the whole reply was pasted. Only the receipt in it is verified, and only what it proves is shown.
function receiptIn(text) {
  let whole = null;
  try {
    whole = JSON.parse(text);
  } catch {
    return text.startsWith('c2sp.org/') && !text.endsWith('\n') ? `${text}\n` : text; // a paste may lose the last line's end
  }
  const inside = whole?.receipt;
  return inside && typeof inside === 'object' ? JSON.stringify(inside) : text;
}

function told(entry, several) {
  const when = document.createElement('time');
  when.dateTime = new Date(entry.at).toISOString();
  localize(when, when.dateTime);
  const line = document.createElement('p');
  const [before, after] = _('Recorded {when} as {kind}.', { when: '\u0000', kind: entry.kind }).split('\u0000');
  const title = _('Entry {entry}', { entry: entry.index });
  line.append(several ? `${title} · ` : '', before, when, after);
  const parts = { envelope: _('Visible to everyone who can see the entry'), agent: _('Only for the agent'), customer: _('Only for the customer'), desk: _('Only for the support team') };
  return [line, ...Object.entries(entry.sections).map(([name, body]) => shown(parts[name], body))];
}

export function receipt(form, guarded) {
  if (!form) return;
  const place = form.querySelector('[data-proved]');
  const verify = async () => {
    place.replaceChildren();
    const file = form.elements.file.files[0];
    const pasted = form.elements.pasted.value.trim();
    try {
      if (!file && !pasted && !form.dataset.entry) throw new Unproved(_('Choose a file or paste a receipt first.'));
      const text = file ? await file.text() : pasted ? form.elements.pasted.value : await fetched(`/log/receipts/${form.dataset.entry}`);
      const found = await verifyReceipt(receiptIn(text), form.elements.key.value);
      const valid = found.entries.length === 1
        ? _('Valid: entry {entry} is in the log {log} exactly as shown below.', { entry: found.index, log: found.origin })
        : _('Valid: entries {entries} are in the log {log} exactly as shown below.', { entries: found.entries.map((one) => one.index).join(', '), log: found.origin });
      say(form, 'ok', valid, _('Its checkpoint covers {count} entries and is signed with this key.', { count: found.size }));
      place.replaceChildren(...found.entries.flatMap((one) => told(one, found.entries.length > 1)));
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
