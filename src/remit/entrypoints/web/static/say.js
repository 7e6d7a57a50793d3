// Telling people what came of it, in the place that a screen reader listens to.
const sentences = JSON.parse(document.getElementById('sentences').textContent);

export function say(place, look, ...lines) {
  const box = place.querySelector('[data-result]');
  box.className = `result ${look}`;
  box.replaceChildren(...lines.filter(Boolean).map((line) => {
    const paragraph = document.createElement('p');
    paragraph.textContent = line;
    return paragraph;
  }));
  if (look !== 'quiet') box.focus({ preventScroll: false });
}

export function fail(place, problem) {
  if (problem.name === 'NotAllowedError' || problem.name === 'AbortError') {
    say(place, 'wait', 'Your passkey was not used, so nothing was done. You can try again.');
    return;
  }
  if (problem.name === 'InvalidStateError') {
    say(place, 'wait', 'This device already has a passkey for you. Sign in with it.');
    return;
  }
  if (problem.code === 'person.not_signed_in') {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  const [title, cure] = sentences[problem.code] || [problem.body ? problem.body.title : 'That did not work', ''];
  const said = problem.message && problem.message !== (problem.body || {}).title ? problem.message : '';
  say(place, 'no', title + '.', said, cure);
}
