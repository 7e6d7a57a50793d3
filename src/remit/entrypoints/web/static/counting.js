// A page that counts says how far it is, and makes place for what was counted. Nothing moves under whoever reads it until then.
const EVERY_MS = 1000;

async function look(bar) {
  const answer = await fetch(location.href, { credentials: 'same-origin', headers: { accept: 'text/html' } });
  const now = answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), 'text/html') : null;
  const further = now?.querySelector('[data-counting]');
  if (!further) return location.reload();
  bar.max = further.max;
  bar.value = further.value;
  bar.labels[0].textContent = further.labels[0].textContent;
  return setTimeout(() => again(bar), EVERY_MS);
}

function again(bar) {
  look(bar).catch(() => setTimeout(() => again(bar), EVERY_MS)); // the desk may be away for a moment
}

export function counting() {
  const bar = document.querySelector('[data-counting]');
  if (bar) setTimeout(() => again(bar), EVERY_MS);
}
