// The consent page: every cut is sent to the desk, shown as it answers, and only what is shown gets signed.
import { call } from './call.js';
import { details, formOf, lineItem, readJson } from './edit.js';
import { usePasskey } from './passkey.js';
import { fail, say } from './say.js';
import { spent } from './send.js';
import { _ } from './texts.js';
import { localize } from './time.js';

export function consent(form, guarded) {
  if (!form) return;
  const asked = readJson('asked');
  let shown = readJson('consent');
  let turn = 0;
  const twin = `/me/v1/requests/${form.dataset.request}`;
  const grant = form.querySelector('[data-answer="grant"]');

  function wanted() {
    const wire = formOf(form, asked);
    for (const [kind] of Object.entries(wire.objective.target || {})) {
      wire.objective.target[kind] = [...form.querySelectorAll(`[data-edit="target"][data-kind="${CSS.escape(kind)}"]:checked`)].map((one) => one.value);
    }
    const hours = Number(form.querySelector('[data-edit="ends"]').value);
    if (hours) {
      const sooner = new Date(Date.now() + hours * 3600000);
      if (sooner < new Date(asked.expires_at)) wire.expires_at = `${sooner.toISOString().slice(0, 19)}Z`;
    }
    return wire;
  }

  function place(rendering) {
    const kept = [...form.querySelectorAll('[data-power]')].filter((one) => !one.classList.contains('struck'));
    for (const line of rendering.lines) {
      if (line.kind !== 'power' || !kept[line.place]) continue;
      kept[line.place].querySelector('[data-text]').textContent = line.text;
      kept[line.place].querySelector('[data-details]')?.replaceChildren(...details(line.details).children);
      const beside = rendering.lines.filter((one) => one.place === line.place && ['at', 'caution', 'preapproved'].includes(one.kind));
      kept[line.place].querySelector('[data-beside]').replaceChildren(...beside.map((one) => {
        const paragraph = document.createElement('p');
        paragraph.className = one.kind === 'preapproved' ? 'notice wait' : one.kind;
        paragraph.textContent = one.text;
        return paragraph;
      }));
    }
    const about = rendering.lines.filter((line) => line.kind === 'target').map((line) => line.text);
    const place = form.querySelector('[data-about]');
    if (place && about.length) place.textContent = about.join(' · ');
    const life = rendering.lines.filter((line) => ['expires', 'tasks', 'chain'].includes(line.kind));
    form.querySelector('[data-life]').replaceChildren(...life.map(lineItem));
  }

  // The same id may be another thing of another record: what it was called is said only of the records that were asked for.
  function renamed() {
    const same = [...form.querySelectorAll('[data-edit="target"]')].every((one) => one.checked === one.defaultChecked);
    for (const one of form.querySelectorAll('[data-named]')) one.textContent = same ? one.dataset.named : one.dataset.bare;
  }

  async function recut() {
    const mine = ++turn;
    grant.disabled = true;
    let wire;
    renamed();
    for (const card of form.querySelectorAll('[data-power]')) {
      const items = [...card.querySelectorAll('[data-edit="item"]')];
      const lists = new Map();
      items.forEach((one) => {
        const key = JSON.stringify(JSON.parse(one.dataset.at).slice(0, -1));
        lists.set(key, (lists.get(key) || false) || one.checked);
      });
      const strike = card.querySelector('[data-edit="strike"]');
      if ([...lists.values()].includes(false)) strike.checked = false;
      card.classList.toggle('struck', !strike.checked);
    }
    try {
      wire = wanted();
    } catch (wrong) {
      if (wrong.field) wrong.field.setAttribute('aria-invalid', 'true');
      say(form, 'quiet no', wrong.message);
      return;
    }
    if (wire.powers.length === 0) {
      say(form, 'quiet wait', _('Nothing is left to allow. Decline instead.'));
      return;
    }
    if (Object.values(wire.objective.target || {}).some((ids) => ids.length === 0)) {
      say(form, 'quiet wait', _('Choose at least one record this applies to.'));
      return;
    }
    try {
      const answer = await call(twin, { answer: 'cut', mandate: wire, language: document.documentElement.lang }, true);
      if (mine !== turn) return;
      shown = answer;
      place(answer.rendering);
      const ends = form.querySelector('[data-ends] time');
      ends.removeAttribute('title');
      localize(ends, wire.expires_at);
      grant.disabled = grant.hasAttribute('data-spent');
      say(form, 'quiet', _('This is what you would allow now.'));
    } catch (problem) {
      if (mine === turn) fail(form, problem);
    }
  }

  let soon;
  form.addEventListener('input', (event) => {
    if (!event.target.dataset.edit) return;
    grant.disabled = true;
    clearTimeout(soon);
    soon = setTimeout(recut, event.target.type === 'checkbox' || event.target.tagName === 'SELECT' ? 0 : 400);
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!shown || grant.disabled) return;
    guarded(form, async () => {
      const assertion = await usePasskey(shown.options);
      leave(await call(twin, { answer: 'grant', ceremony: shown.ceremony, assertion }), form, _('Allowed. Going back to the agent…'));
    });
  });
  form.querySelector('[data-answer="decline"]').addEventListener('click', () => {
    guarded(form, async () => {
      leave(await call(twin, { answer: 'decline' }), form, _('You declined. Nothing was allowed. Going back…'));
    });
  });
}

function leave(answer, form, words) {
  spent(form);
  say(form, 'ok', words);
  const to = new URL(answer.redirect);
  // An app's own scheme has a dot in it (RFC 8252 §7.1); nothing that a browser would run has.
  if (/^(https?|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+):$/.test(to.protocol)) location.assign(to.href);
}
