// What is said to people, in their language: the English text is the name of each.
const place = globalThis.document?.getElementById('texts');
const texts = place ? JSON.parse(place.textContent) : {};

export function filled(text, values) {
  return text.replace(/\{([a-z_]+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

export function _(text, values = {}) {
  return filled((texts[text] || [text])[0], values);
}

export function plural(one, many, count, values = {}) {
  const forms = texts[one] || [one, many];
  const rule = new Intl.PluralRules(document.documentElement.lang);
  return filled(rule.select(count) === 'one' ? forms[0] : forms[forms.length - 1], { count, ...values });
}
