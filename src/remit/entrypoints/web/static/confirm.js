// One decision: yes or release with a passkey, no, less, no and end, without the message. What is signed is what the page showed.
import { call } from './call.js';
import { formOf, lineItem, readJson } from './edit.js';
import { usePasskey } from './passkey.js';
import { Wrong, say } from './say.js';
import { spent } from './send.js';
import { _ } from './texts.js';

const OUTCOMES = {
  done: ['ok', _('Done.')],
  failed: ['no', _('Failed. Nothing was changed.')],
  permitted: ['ok', _('Approved. It will be done in a moment.')],
  acting: ['ok', _('Approved. It\'s being done now.')],
  waiting: ['wait', _('Thank you. Someone else must also approve before anything is done.')],
  declined: ['ok', _('You declined. Nothing was done, and the agent may not ask for this again.')],
  void: ['wait', _('Cancelled. Nothing was done.')],
  refused: ['no', _('Blocked. Nothing was done.')],
};

// What a no says that is about an agent's words alone.
const UNPASSED = { refused: ['ok', _('You didn\'t pass on the message. Nothing was done. The agent may ask again without it.')] };

const AFTER = {
  no_and_end: _('The agent\'s task has ended. The agent does nothing more in it.'),
  strip: _('The agent\'s message was left out. The request was decided separately.'),
};

/** The look and the sentences of an answer's outcome; `unknown` says where the outcome will be shown. */
export function outcome(reply, answer, unknown) {
  const told = reply.state === 'unknown' ? ['wait', unknown] : (answer === 'no' && UNPASSED[reply.state]) || OUTCOMES[reply.state];
  const [look, words] = told || ['ok', _('Your answer was saved.')];
  return [look, answer === 'less' && reply.state === 'done' ? _('Done, with your changes.') : words, reply.reason || '', AFTER[answer] || ''];
}

function toMyPage(form, reply, answer) {
  say(form, ...outcome(reply, answer, _('Sent, but the outcome isn\'t confirmed yet. Your page will show it.')));
  const back = document.createElement('p');
  const link = document.createElement('a');
  link.href = '/';
  link.textContent = _('Back to my page');
  back.append(link);
  form.querySelector('[data-result]').append(back);
  document.dispatchEvent(new Event('decided')); // the decision, with its outcome, as the page has it now
}

/** The form of one decision; `after` says what its page shows once it was answered. */
export function confirm(form, guarded, after = toMyPage) {
  if (!form) return;
  const shown = readJson('shown');
  const { twin } = form.dataset;
  const less = form.querySelector('#less');
  const announced = form.querySelector('[data-announced]');
  let lesser = null;

  function settled(reply, answer) {
    spent(form);
    for (const one of form.querySelectorAll('[data-choices]')) one.hidden = true;
    after(form, reply, answer);
  }
  const signed = (answer) => async () => {
    const assertion = await usePasskey(shown.options);
    settled(await call(twin, { answer, assertion, language: shown.language }), answer);
  };
  const plain = (answer) => async () => settled(await call(twin, { answer, language: shown.language }), answer);

  const answers = {
    yes: signed('yes'),
    release: signed('release'),
    strip: plain('strip'),
    no: plain('no'),
    no_and_end: plain('no_and_end'),
    'show-less': async () => {
      for (const list of less.querySelectorAll('fieldset')) {
        const kept = [...list.querySelectorAll('[data-edit="item"]')];
        if (kept.length && !kept.some((one) => one.checked)) throw new Wrong(_('Keep at least one selected, or decline.'), kept[0]);
      }
      lesser = await call(`${twin}/less`, { params: formOf(form, shown.params), language: shown.language }, true);
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
  function open(shows) {
    less.hidden = !shows;
    form.querySelector('[data-answer="less"]').setAttribute('aria-expanded', String(shows));
    // While less is being written, no one signs the whole by mistake.
    for (const yes of form.querySelectorAll('[data-answer="yes"]')) yes.disabled = shows || yes.hasAttribute('data-spent');
    if (shows) less.querySelector('input').focus();
  }
  for (const button of form.querySelectorAll('[data-answer]:not([type="submit"])')) {
    button.addEventListener('click', () => {
      if (button.dataset.answer === 'less') open(less.hidden);
      else if (button.dataset.answer !== 'sign-less' || lesser) guarded(form, answers[button.dataset.answer]);
    });
  }
}
