// The page that verifies a receipt: reads a file or fetches the one that was asked for, and shows what is proved. Nothing is sent.
import { Unproved, verifyReceipt } from './proof.js';
import { say } from './say.js';
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
  if (!answer.ok) throw new Unproved(answer.status === 404 ? 'There is no such receipt for you here.' : 'It cannot be fetched. Sign in, and try again.');
  return answer.text();
}

export function receipt(form, guarded) {
  if (!form) return;
  const place = form.querySelector('[data-proved]');
  const verify = async () => {
    place.replaceChildren();
    const file = form.elements.file.files[0];
    try {
      if (!file && !form.dataset.entry) throw new Unproved('Choose a receipt first.');
      const text = file ? await file.text() : await fetched(`/log/receipts/${form.dataset.entry}`);
      const found = await verifyReceipt(text, form.elements.key.value);
      say(form, 'ok', `It holds: entry ${found.index} stands in the log ${found.origin} exactly as below.`, `The checkpoint it leads to covers ${found.size} entries and is signed by this key.`);
      const when = document.createElement('time');
      when.dateTime = new Date(found.at).toISOString();
      localize(when, when.dateTime);
      const line = document.createElement('p');
      line.append(`Recorded `, when, ` as ${found.kind}.`);
      const parts = { envelope: 'Open to everybody who may see the entry', agent: 'For the agent alone', customer: 'For the customer alone', desk: 'For the desk alone' };
      place.replaceChildren(line, ...Object.entries(found.sections).map(([name, body]) => shown(parts[name], body)));
    } catch (problem) {
      if (!(problem instanceof Unproved)) throw problem;
      say(form, 'no', 'It does not hold.', problem.message);
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    guarded(form, verify);
  });
  if (form.dataset.entry) guarded(form, verify);
}
