// The auditors' log: exporting the rows that are shown, and looking again while older entries are read.
import { Problem, reach } from './call.js';
import { say, typed } from './say.js';
import { _ } from './texts.js';

async function file(form, format) {
  const answer = await reach('/audit/v1/export', { format, filters: JSON.parse(form.dataset.filters) });
  if (!answer.ok) throw new Problem(await answer.json().catch(() => ({})));
  try {
    return [await answer.blob(), /filename="([^"]+)"/.exec(answer.headers.get('content-disposition'))?.[1] || `audit-log.${format}`];
  } catch {
    throw new Problem({ detail: _('The export stopped before its end. Nothing was saved. Try again.') });
  }
}

export function audit(root, guarded) {
  const place = root.querySelector('[data-audit]');
  if (!place) return;
  const form = place.querySelector('form[data-form="export"]');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const format = event.submitter?.value || 'csv';
    guarded(form, async () => {
      say(form, 'quiet', _('Preparing the file…'));
      const [content, name] = await file(form, format);
      const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(content), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      say(form, 'ok', _('Exported. The export is in the audit log.'));
    });
  });
  const search = place.querySelector('form[role="search"]');
  if (place.querySelector('[data-searching]')) {
    setTimeout(function again() {
      if (typed(search) || place.querySelector('details[open]:is(.row > *)')) setTimeout(again, 1500);
      else location.reload();
    }, 1500);
  }
}
