// The desk's own people: replies held against what the agent may be told, offers, stopping things, verifying the log.
import { call } from './call.js';
import { amount } from './edit.js';
import { Wrong, fail, say } from './say.js';
import { later, spent } from './send.js';
import { _, plural } from './texts.js';

// An override is of the text that was checked and of no other: it goes with the first letter that changes.
function offer(form, override) {
  form.dataset.check = override?.check || '';
  form.querySelector('[data-override]').hidden = !form.dataset.check;
  if (!form.dataset.check) unfold(form, false);
}

function unfold(form, open) {
  form.querySelector('[data-overriding]').hidden = !open;
  form.querySelector('[data-override]').setAttribute('aria-expanded', String(open));
  if (open) form.elements.reason.focus();
}

function marked(form, text, held, override) {
  const place = form.querySelector('[data-marked]');
  place.replaceChildren();
  const letters = [...text];
  let at = 0;
  for (const one of held) {
    place.append(letters.slice(at, one.start).join(''));
    const mark = document.createElement('mark');
    mark.textContent = letters.slice(one.start, one.end).join('');
    place.append(mark);
    at = one.end;
  }
  place.append(letters.slice(at).join(''));
  const [titles, whys] = [JSON.parse(form.dataset.titles), JSON.parse(form.dataset.whys)];
  form.querySelector('[data-why]').replaceChildren(...held.map((one) => {
    const item = document.createElement('li');
    item.textContent = `${whys[one.why] || one.why}${one.name ? `: ${titles[one.name] || one.name.replaceAll('_', ' ')}` : ''}`;
    return item;
  }));
  form.querySelector('[data-said]').textContent = held.length
    ? plural('The marked part can\'t be shared with this agent:', 'The {count} marked parts can\'t be shared with this agent:', held.length)
    : _('Nothing has to be removed.');
  form.querySelector('[data-withhold]').hidden = !held.length;
  offer(form, override);
}

// While somebody writes, what would be withheld is marked after each pause: nothing is sent, and the place for it is always there.
function watching(form) {
  const box = form.elements.text;
  let pause = 0;
  let asked = 0;
  const look = async () => {
    const text = box.value;
    const mine = ++asked;
    if (!text.trim()) {
      marked(form, '', []);
      form.querySelector('[data-said]').textContent = _('Anything you can\'t share with this agent is marked as you type.');
      return;
    }
    try {
      const told = await call(`/desk/v1/cases/${form.dataset.case}/check`, { text }, true);
      if (mine === asked && box.value === text) marked(form, text, told.held, told.override);
    } catch (problem) {
      if (mine === asked) form.querySelector('[data-said]').textContent = _('The text can\'t be checked right now. It will be checked before it\'s sent.');
    }
  };
  box.addEventListener('input', () => {
    clearTimeout(pause);
    offer(form);
    pause = setTimeout(look, 600);
  });
}

async function reply(form, how = {}) {
  const text = form.elements.text.value;
  try {
    const sent = await call(`/desk/v1/cases/${form.dataset.case}/reply`, { text, ...how });
    form.elements.text.value = '';
    form.elements.reason.value = '';
    marked(form, '', []);
    say(form, 'ok', _('Sent to the agent.'), sent.withheld ? plural('{count} part was removed.', '{count} parts were removed.', sent.withheld) : '');
    if (!document.querySelector('[data-decide]')) later(); // the page of a decision is gone once it was made
  } catch (problem) {
    if (problem.code !== 'reply.withheld') throw problem;
    marked(form, text, problem.body.held, problem.body.override);
    say(form, 'no', _('Not sent. The text contains details that can\'t be shared with this agent. Change it, or leave out the marked parts.'));
  }
}

async function override(form) {
  const { reason } = form.elements;
  if ((reason.value.match(/\p{L}/gu) || []).length < 10) throw new Wrong(_('Enter a reason of at least {count} letters.', { count: 10 }), reason);
  await reply(form, { override: { reason: reason.value.trim(), check: form.dataset.check } });
}

// What a stop ends, or has ended.
const ended = (tasks, found) => ({
  tasks: plural('{count} running task', '{count} running tasks', tasks),
  questions: plural('{count} pending approval', '{count} pending approvals', found.confirmations),
  acts: plural('{count} action not yet sent', '{count} actions not yet sent', found.acts),
});

function noticed(found) {
  const permissions = plural('{count} permission', '{count} permissions', found.mandates);
  if (found.full) return _('More than {count} customers are affected: {permissions} can\'t be used until this is resumed.', { count: found.customers, permissions });
  return plural('{count} customer is affected: {permissions} can\'t be used until this is resumed.', '{count} customers are affected: {permissions} can\'t be used until this is resumed.', found.customers, { permissions });
}

const forms = {
  reply: (form) => reply(form),
  offer: async (form) => {
    const terms = {};
    for (const input of form.querySelectorAll('[data-term]')) {
      const text = input.value.trim();
      if (!text) continue;
      if (input.dataset.edit) terms[input.dataset.term] = amount(input);
      else terms[input.dataset.term] = input.hasAttribute('data-many') ? text.split(',').map((one) => one.trim()).filter(Boolean) : text;
    }
    if (!Object.keys(terms).length) throw new Wrong(_('Enter the terms of the offer.'), form.querySelector('[data-term]'));
    await call(`/desk/v1/cases/${form.dataset.case}/offers`, {
      action: form.dataset.action, terms, ttl_s: Number(form.elements.ttl.value), instead_of: form.elements.instead?.value || '',
    });
    say(form, 'ok', _('Offer made. The agent finds it in its inbox.'));
    later();
  },
  stop: async (form) => {
    const [what, name] = [form.elements.what.value, form.elements.name.value.trim()];
    const incident = form.elements.incident ? { incident: form.elements.incident.value } : {};
    const done = await call('/security/v1/suspend', { [what]: name, reason: form.elements.reason.value, ...incident });
    if (!done.known) { // it stays on the page: what follows is to look at the id again
      say(form, 'no', what === 'customer'
        ? _('No customer has the id “{name}”. Nothing running was stopped. The stop takes effect if such a customer appears.', { name })
        : _('No agent is run by “{name}”. Nothing running was stopped. The stop takes effect if such an agent appears.', { name }), _('Choose the id from the list and stop again.'));
      return;
    }
    form.querySelector('[data-foreseen]').replaceChildren();
    say(form, 'ok', _('Stopped everywhere in {ms} ms.', { ms: done.took_ms }),
      _('Ended: {tasks}, {questions}, {acts}.', ended(done.tasks.length, done)),
      done.already_sent.length ? plural('{count} action was already sent and can\'t be stopped here. The case will show the outcome.', '{count} actions were already sent and can\'t be stopped here. The case will show the outcome.', done.already_sent.length) : '');
    if (form.dataset.after === 'reload') {
      spent(form);
      later();
    }
  },
  verify: async (form) => {
    const told = await call('/audit/v1/verify', {});
    const tiles = plural('{count} tile', '{count} tiles', told.tiles);
    const mark = form.closest('details')?.querySelector('[data-verified]');
    if (mark) mark.textContent = _('verified just now');
    say(form, 'ok', plural('The only entry is unchanged since it was recorded ({tiles}, {ms} ms).', 'All {count} entries are unchanged since they were recorded ({tiles}, {ms} ms).', told.entries, { tiles, ms: told.took_ms }), _('Root hash: {root}', { root: told.root }));
  },
};

const actions = {
  foresee: async (button, form) => {
    const [what, whom] = [form.elements.what.value, form.elements.name];
    if (!whom.value.trim()) throw new Wrong(_('Enter an id.'), whom);
    const found = await call(`/security/v1/suspend?${new URLSearchParams({ [what]: whom.value.trim() })}`);
    const told = found.known ? [
      noticed(found),
      _('Would end at once: {tasks}, {questions}, {acts}.', ended(found.tasks, found)),
      found.sent ? plural('{count} action already under way could not be stopped here.', '{count} actions already under way could not be stopped here.', found.sent) : '',
    ] : [what === 'customer' ? _('No customer has this id.') : _('No agent is run by this operator.')];
    form.querySelector('[data-foreseen]').replaceChildren(...told.filter(Boolean).map((line) => {
      const paragraph = document.createElement('p');
      paragraph.textContent = line;
      return paragraph;
    }));
  },
};

const ticked = (form) => [...form.querySelectorAll('[name="roles"]:checked')].map((one) => one.value);

// What is ticked is what somebody shall have, so the form starts with what they have, and says what would change.
function roles(form) {
  const whom = form.elements.id;
  const said = form.querySelector('[data-difference]');
  const had = () => JSON.parse(whom.selectedOptions[0].dataset.roles || '[]');
  const tell = () => {
    const [now, then] = [had(), ticked(form)];
    const adds = then.filter((one) => !now.includes(one));
    const takes = now.filter((one) => !then.includes(one));
    const parts = [adds.length && _('add {roles}', { roles: adds.join(', ') }), takes.length && _('remove {roles}', { roles: takes.join(', ') })].filter(Boolean);
    const change = parts.join('; ') || _('no change');
    said.textContent = whom.value ? `${whom.value}: ${change}` : '';
  };
  const begin = () => {
    const now = had();
    form.querySelectorAll('[name="roles"]').forEach((one) => { one.checked = now.includes(one.value); one.disabled = !whom.value; });
    tell();
  };
  whom.addEventListener('change', begin);
  form.addEventListener('change', (event) => { if (event.target.name === 'roles') tell(); });
  begin();
}

// How much time is left, in words that need no clock; kept true while the page stands open.
function left(place) {
  const tell = () => {
    const minutes = Math.floor((new Date(place.dataset.left) - Date.now()) / 60000);
    if (minutes < 0) place.textContent = _('(expired)');
    else if (minutes < 1) place.textContent = _('(less than a minute left)');
    else place.textContent = minutes < 120 ? plural('({count} minute left)', '({count} minutes left)', minutes) : plural('({count} hour left)', '({count} hours left)', Math.floor(minutes / 60));
  };
  tell();
  setInterval(tell, 20000);
}

function choosing(form) {
  const { what, name } = form.elements;
  const list = () => name.setAttribute('list', `names-${what.value}`);
  what.addEventListener('change', list);
  list(); // a page that comes back keeps what was chosen
}

export function desk(root, guarded) {
  root.querySelectorAll('form[data-form="stop"]').forEach(choosing);
  root.querySelectorAll('form[data-form="roles"]').forEach(roles);
  root.querySelectorAll('form[data-form="reply"]').forEach(watching);
  root.querySelectorAll('[data-left]').forEach(left);
  for (const form of root.querySelectorAll('form[data-form]')) {
    const work = forms[form.dataset.form];
    if (!work) continue;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      guarded(form, () => work(form));
    });
  }
  for (const button of root.querySelectorAll('[data-withhold]')) {
    button.addEventListener('click', () => guarded(button.form, () => reply(button.form, { withhold: true })));
  }
  for (const button of root.querySelectorAll('[data-override]')) {
    button.addEventListener('click', () => unfold(button.form, button.getAttribute('aria-expanded') !== 'true'));
  }
  for (const button of root.querySelectorAll('[data-override-send]')) {
    button.addEventListener('click', () => guarded(button.form, () => override(button.form)));
  }
  for (const button of root.querySelectorAll('[data-do]')) {
    const work = actions[button.dataset.do];
    if (!work) continue;
    button.addEventListener('click', () => {
      work(button, button.form).catch((problem) => fail(button.form, problem));
    });
  }
}
