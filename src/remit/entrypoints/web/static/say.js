// Telling people what came of it, in the place that a screen reader listens to.
import { _ } from './texts.js';

const sentences = JSON.parse(document.getElementById('sentences').textContent);

// The place for it: at the top of the page for what has none of its own.
function boxOf(place) {
  const found = place.querySelector('[data-result]');
  if (found) return found;
  const made = document.createElement('div');
  made.tabIndex = -1;
  made.setAttribute('role', 'status');
  made.setAttribute('data-result', '');
  document.querySelector('main').prepend(made);
  return made;
}

export function say(place, look, ...lines) {
  const box = boxOf(place);
  box.className = `result ${look}`;
  box.replaceChildren(...lines.filter(Boolean).map((line) => {
    const paragraph = document.createElement('p');
    paragraph.textContent = line;
    return paragraph;
  }));
  if (look !== 'quiet') box.focus({ preventScroll: false });
}

// Whether somebody has entered something there.
export const typed = (part) => [...part.querySelectorAll('textarea, input:not([type="hidden"])')].some((one) => (one.type === 'checkbox' ? one.checked !== one.defaultChecked : one.value !== one.defaultValue));

// What a person entered does not do: said in our own words, and told apart from what the desk refuses.
export class Wrong extends Error {
  constructor(words, field) {
    super(words);
    this.field = field;
  }
}

// The desk names a member as programs do ("/amount must …", "'item_ids' must …"); people read "Amount must …", "Items must …".
function worded(text) {
  return text
    .replace(/^(?:\/([a-z_]+)[^ ]*|'([a-z_]+)[^']*'|([a-z]+_[a-z_]+|amount))(?= (?:must|is|has|does|lacks) )/, (whole, ...names) => {
      const words = names.find(Boolean).replace(/_ids$/, 's').replace(/_id$/, '').replaceAll('_', ' ');
      return words[0].toUpperCase() + words.slice(1);
    })
    .replace(/does not satisfy `[^`]*`/, 'does not fit');
}

// What somebody wrote is not lost where their session is over.
function signIn(place) {
  const link = Object.assign(document.createElement('a'), { href: '/login', target: '_blank', textContent: _('Sign in') });
  const line = document.createElement('p');
  line.append(_('Your text is still here. Sign in on another tab, then send it from here.'), ' ', link);
  boxOf(place).append(line);
}

export function fail(place, problem) {
  if (problem instanceof Wrong) {
    say(place, 'quiet no', problem.message);
    problem.field.setAttribute('aria-invalid', 'true');
    problem.field.focus();
    return;
  }
  if (problem.name === 'NotAllowedError' || problem.name === 'AbortError') {
    say(place, 'wait', _('Your passkey wasn\'t used. Nothing was done. You can try again.'));
    return;
  }
  if (problem.name === 'InvalidStateError') {
    say(place, 'wait', _('This device already has a passkey for you. Sign in with it.'));
    return;
  }
  if (problem.code === 'person.not_signed_in' && !typed(place)) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  const [title, cure] = sentences[`${place.dataset.form} ${problem.code}`] || sentences[problem.code] || [problem.body?.title || _('That didn\'t work'), ''];
  const said = problem.message && problem.message !== (problem.body || {}).title ? problem.message : '';
  say(place, 'no', title + '.', worded(said), cure);
  if (problem.code === 'person.not_signed_in') signIn(place);
}
