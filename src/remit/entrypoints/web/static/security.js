// A stop shows what it would end before anybody can press it: the preview is fetched as soon as the form opens.
export function security(root) {
  for (const place of root.querySelectorAll('details.stop')) {
    place.addEventListener('toggle', () => {
      const shown = place.querySelector('[data-foreseen]');
      if (place.open && !shown.childElementCount) place.querySelector('[data-do="foresee"]').click();
    });
  }
  const wanted = root === document && document.getElementById(location.hash.slice(1));
  if (wanted && wanted.tagName === 'DETAILS') wanted.open = true;
}
