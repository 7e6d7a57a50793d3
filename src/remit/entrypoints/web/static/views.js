// Saved views of a list: the filters of the address under a name. A list that filters in the browser keeps its address true (history.replaceState).
import { call } from './call.js';
import { say } from './say.js';
import { _ } from './texts.js';

const reload = () => setTimeout(() => location.reload(), 700);

// The filters that are set now: those of the address; those the page was made with, where the address has none.
function filtersOf(form) {
  const now = [...new URLSearchParams(location.search)].filter(([name, value]) => value.trim() && !['low', 'before', 'after', 'page'].includes(name));
  return now.length ? Object.fromEntries(now) : JSON.parse(form.dataset.filters || '{}');
}

export function views(root, guarded) {
  for (const place of root.querySelectorAll('[data-views]')) {
    const page = place.dataset.views;
    const form = place.querySelector('form');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      guarded(place, async () => {
        await call('/staff/v1/views', { page, name: form.elements.name.value.trim(), filters: filtersOf(form) });
        say(place, 'ok', _('View saved.'));
        reload();
      });
    });
    for (const button of place.querySelectorAll('[data-remove-view]')) {
      button.addEventListener('click', () => guarded(place, async () => {
        await call('/staff/v1/views/remove', { page, name: button.dataset.removeView });
        button.closest('li').remove();
        say(place, 'ok', _('View deleted.'));
      }));
    }
  }
}
