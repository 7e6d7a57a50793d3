// A stop shows what it would end before anybody can press it: the preview is fetched as soon as the form opens.
export function security(root) {
  for (const place of root.querySelectorAll('details.stop')) {
    const foresee = () => {
      const shown = place.querySelector('[data-foreseen]');
      if (place.open && !shown.childElementCount) place.querySelector('[data-do="foresee"]').click();
    };
    place.addEventListener('toggle', foresee);
    foresee(); // opened before this program was there
  }
  const wanted = root === document && document.getElementById(location.hash.slice(1));
  if (wanted && wanted.tagName === 'DETAILS') wanted.open = true;
}
