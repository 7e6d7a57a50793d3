// The bar of a demo: one browser becomes each of the invented people. A desk that is not a demo has neither the bar nor its address.
import { call } from './call.js';
import { _ } from './texts.js';

const AT = '/sandbox/v1/switch';

const parts = { customer: _('customer'), officer: _('officer'), security: _('security'), audit: _('auditor'), admin: _('admin') };
const named = (person) => `${person.name} (${parts[person.part]})`;

export async function switcher(bar, guarded) {
  if (!bar) return;
  const passkey = bar.querySelector('[data-switcher-passkey]');
  let told;
  try {
    told = await call(AT, {});
  } catch {
    return; // not a browser of this machine: there is nothing to switch
  }
  const go = (body) => guarded(bar, async () => { location.assign((await call(AT, body)).page); });
  for (const person of told.people) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = named(person);
    if (person.id === told.person) {
      button.setAttribute('aria-current', 'true');
      bar.querySelector('[data-switcher-now]').textContent = named(person);
    }
    button.addEventListener('click', () => go({ person: person.id }));
    const row = document.createElement('li');
    row.append(button);
    bar.querySelector('ul').append(row);
  }
  passkey.hidden = !told.person || told.passkey;
  passkey.addEventListener('click', () => go({ person: told.person, passkey: true }));
  bar.addEventListener('keydown', (event) => {
    const open = bar.querySelector('details[open]');
    if (event.key !== 'Escape' || !open) return;
    open.open = false;
    open.querySelector('summary').focus();
  });
  bar.hidden = false;
}
