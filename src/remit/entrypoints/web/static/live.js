import { typed } from './say.js';

// A page that stands open shows what is new without being loaded again: parts of it are taken from the same page as it is now.

// A list that is worked on stays current too: what has the focus and what is selected are found again by their ids.
function kept(part) {
  const active = document.activeElement;
  const rows = [...part.querySelectorAll('[data-row]')];
  const at = rows.indexOf(active?.closest('[data-row]'));
  const focused = part.contains(active) ? active.id : '';
  const selected = [...part.querySelectorAll('[data-pick]:checked')].map((one) => one.id);
  return () => {
    for (const id of selected) {
      const box = document.getElementById(id);
      if (box) box.checked = true;
    }
    if (!focused) return;
    const now = [...part.querySelectorAll('[data-row]')];
    const next = document.getElementById(focused) || now[Math.min(at, now.length - 1)]?.querySelector('[data-open]');
    next?.focus();
  };
}

async function refresh(bind) {
  const answer = await fetch(location.href, { credentials: 'same-origin', headers: { accept: 'text/html' } });
  if (!answer.ok || answer.redirected) return;
  const now = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live-part]')) {
    const fresh = now.querySelector(`[data-live-part="${part.dataset.livePart}"]`);
    const keeps = part.hasAttribute('data-live-keep');
    // Nobody's sentence is taken away while they write it, nothing while it is being sent, and no answer before it was read.
    const busy = part.querySelector('[data-result]:not(:empty), [aria-busy], [aria-expanded="true"]');
    if (!fresh || busy || (!keeps && (part.contains(document.activeElement) || typed(part)))) continue;
    const open = [...part.querySelectorAll('[id] > details[open]')].map((one) => one.parentElement.id);
    const again = keeps ? kept(part) : null;
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const id of open) {
      const one = part.querySelector(`#${CSS.escape(id)} > details`);
      if (one) one.open = true;
    }
    again?.();
    bind(part);
  }
}

let renew = () => {};

/** Show what is new at once, after something was done on the page itself. */
export function refreshed() {
  renew();
}

export function live(bind) {
  const page = document.querySelector('[data-live]');
  if (!page || !window.EventSource) return;
  renew = () => { refresh(bind).catch(() => {}); };
  const source = new EventSource(`${page.dataset.live}?since=${encodeURIComponent(page.dataset.seen)}`);
  source.addEventListener('changed', renew);
  document.addEventListener('decided', renew);
}
