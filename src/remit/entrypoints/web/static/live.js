import { typed } from './say.js';

// A page that stands open shows what is new without being loaded again: parts of it are taken from the same page as it is now.

async function refresh(bind) {
  const answer = await fetch(location.href, { credentials: 'same-origin', headers: { accept: 'text/html' } });
  if (!answer.ok || answer.redirected) return;
  const now = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live-part]')) {
    const fresh = now.querySelector(`[data-live-part="${part.dataset.livePart}"]`);
    // Nobody's sentence is taken away while they write it, nothing while it is being sent, and no answer before it was read.
    const busy = part.querySelector('[data-result]:not(:empty), [aria-busy], [aria-expanded="true"]');
    if (!fresh || busy || part.contains(document.activeElement) || typed(part)) continue;
    const open = [...part.querySelectorAll('[id] > details[open]')].map((one) => one.parentElement.id);
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const id of open) {
      const one = part.querySelector(`#${CSS.escape(id)} > details`);
      if (one) one.open = true;
    }
    bind(part);
  }
}

export function live(bind) {
  const page = document.querySelector('[data-live]');
  if (!page || !window.EventSource) return;
  const source = new EventSource(`${page.dataset.live}?since=${encodeURIComponent(page.dataset.seen)}`);
  source.addEventListener('changed', () => { refresh(bind).catch(() => {}); });
  document.addEventListener('decided', () => { refresh(bind).catch(() => {}); });
}
