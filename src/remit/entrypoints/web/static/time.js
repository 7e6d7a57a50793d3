// Times in the reader's own zone, and which zone that is: what is signed, and the days of a report, are in UTC.
const SHAPE = { year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' };

export function localize(place, text) {
  place.dateTime = text;
  place.textContent = new Date(text).toLocaleString(document.documentElement.lang, SHAPE);
}
