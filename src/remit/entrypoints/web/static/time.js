// Times in the reader's own zone and manner; the exact one, with zone and UTC, is shown on hover.
const MINUTE = 60_000;
const STEPS = [['minute', MINUTE, 60], ['hour', 60 * MINUTE, 24], ['day', 24 * 60 * MINUTE, 7]];
const EXACT = { dateStyle: 'full', timeStyle: 'long' };

const language = () => document.documentElement.lang;
const sameDay = (one, other) => one.toDateString() === other.toDateString();

/** The clock time, with its day unless that is today, and its year unless that is this year. */
function absolute(moment, now) {
  const shape = { hour: 'numeric', minute: '2-digit' };
  if (!sameDay(moment, now)) Object.assign(shape, { day: 'numeric', month: 'short' });
  if (moment.getFullYear() !== now.getFullYear()) shape.year = 'numeric';
  return moment.toLocaleString(language(), shape);
}

/** "in 10 minutes", "2 hours ago"; "" beyond a week. */
function relative(moment, now) {
  const words = new Intl.RelativeTimeFormat(language(), { numeric: 'auto' });
  const apart = moment - now;
  if (Math.abs(apart) < MINUTE) return words.format(0, 'second');
  for (const [unit, length, most] of STEPS) {
    const count = Math.trunc(apart / length);
    if (Math.abs(count) < most) return words.format(count, unit);
  }
  return '';
}

function text(look, moment, now) {
  const near = look && relative(moment, now);
  if (look === 'due' && near) return `${near} (${absolute(moment, now)})`;
  return near || absolute(moment, now);
}

export function localize(place, time) {
  const moment = new Date(time);
  if (time !== place.dateTime) place.dateTime = time;
  place.title = `${moment.toLocaleString(language(), EXACT)} · ${moment.toISOString()}`;
  const shown = text(place.dataset.look, moment, new Date());
  if (place.textContent !== shown) place.textContent = shown;
}

/** Relative times move on while the page stands open. */
export function ticking() {
  setInterval(() => {
    for (const one of document.querySelectorAll('time[data-look]')) localize(one, one.dateTime);
  }, MINUTE / 4);
}
