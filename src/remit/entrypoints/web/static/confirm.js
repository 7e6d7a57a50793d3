// One act: yes, no, less, or no and end. What is signed is what the desk showed.
import { call } from './call.js';
import { formOf, lineItem, readJson } from './edit.js';
import { usePasskey } from './passkey.js';
import { Wrong, say } from './say.js';
import { spent } from './send.js';
import { _ } from './texts.js';

const OUTCOMES = {
  done: ['ok', _('Done.')],
  failed: ['no', _('The desk could not do it. Nothing was changed.')],
  unknown: ['wait', _('It was sent, but it is not known yet whether it was done. Your page will show it.')],
  permitted: ['ok', _('Agreed. The desk will do it in a moment.')],
  acting: ['ok', _('Agreed. The desk is doing it.')],
  waiting: ['wait', _('Thank you. Somebody else must still agree before anything is done.')],
  declined: ['ok', _('You said no. Nothing was done, and the agent may not ask for this again.')],
  void: ['wait', _('It was dropped. Nothing was done.')],
  refused: ['no', _('It was refused. Nothing was done.')],
};

// What a no says that is about an agent's words alone.
const UNPASSED = { refused: ['ok', _('You did not pass it on. Nothing was done; the agent may ask again without it.')] };

const AFTER = {
  no_and_end: _('The agent\'s task has ended: it does nothing more in it.'),
  strip: _('The agent asks without what it wrote. What it asks was decided by itself.'),
};

export function confirm(form, guarded) {
  if (!form) return;
  const shown = readJson('shown');
  const twin = form.dataset.twin;
  let lesser = null;
  const less = form.querySelector('#less');
  const announced = form.querySelector('[data-announced]');

  function settled(reply, answer) {
    spent(form);
    form.querySelector('[data-choices]').hidden = true;
    const [look, words] = (answer === 'no' && UNPASSED[reply.state]) || OUTCOMES[reply.state] || ['ok', _('Your answer was taken.')];
    say(form, look, answer === 'less' && reply.state === 'done' ? _('Done, as you offered.') : words, reply.reason || '', AFTER[answer] || '');
    const back = document.createElement('p');
    const link = document.createElement('a');
    link.href = '/';
    link.textContent = _('Back to my page');
    back.append(link);
    form.querySelector('[data-result]').append(back);
  }

  const answers = {
    yes: async () => {
      const assertion = await usePasskey(shown.options);
      settled(await call(twin, { answer: 'yes', assertion, language: shown.language }), 'yes');
    },
    release: async () => {
      const assertion = await usePasskey(shown.options);
      settled(await call(twin, { answer: 'release', assertion, language: shown.language }), 'release');
    },
    strip: async () => settled(await call(twin, { answer: 'strip', language: shown.language }), 'strip'),
    no: async () => settled(await call(twin, { answer: 'no', language: shown.language }), 'no'),
    no_and_end: async () => settled(await call(twin, { answer: 'no_and_end', language: shown.language }), 'no_and_end'),
    'show-less': async () => {
      for (const list of less.querySelectorAll('fieldset')) {
        const kept = [...list.querySelectorAll('[data-edit="item"]')];
        if (kept.length && !kept.some((one) => one.checked)) throw new Wrong(_('Leave at least one ticked, or answer no.'), kept[0]);
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
      settled(await call(twin, { answer: 'less', assertion }), 'less');
    },
  };

  // Enter in a field of the less form does what its button does.
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
      if (button.dataset.answer === 'less') {
        less.hidden = !less.hidden;
        button.setAttribute('aria-expanded', String(!less.hidden));
        // While less is being written, nobody signs the whole by mistake.
        form.querySelector('[data-answer="yes"]').disabled = !less.hidden;
        if (!less.hidden) less.querySelector('input').focus();
        return;
      }
      if (button.dataset.answer === 'sign-less' && !lesser) return;
      guarded(form, answers[button.dataset.answer]);
    });
  }
}
