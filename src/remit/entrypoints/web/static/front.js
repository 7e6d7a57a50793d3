// Whether this page is at the front. What agrees by one press alone waits for half a second each time it comes there (remit.css).
const tell = (away) => document.documentElement.toggleAttribute('data-away', away);

export function front() {
  const look = () => tell(document.visibilityState !== 'visible' || !document.hasFocus());
  window.addEventListener('blur', () => tell(true));
  window.addEventListener('focus', () => tell(false));
  window.addEventListener('pageshow', look);
  document.addEventListener('visibilitychange', look);
  // A browser that tells of no focus keeps nobody out: the press itself brings the page to the front, and the next one counts.
  window.addEventListener('pointerdown', () => tell(false), true);
  look();
}
