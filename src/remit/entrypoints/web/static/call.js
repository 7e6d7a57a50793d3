// Talking to the JSON twins: same origin, JSON only, refusals as exceptions that carry their code.
import { _ } from './texts.js';

export class Problem extends Error {
  constructor(body) {
    super(body.detail || body.title || '');
    this.code = body.code || '';
    this.body = body;
  }
}

/** A lost answer says nothing about the act: only a request that changes nothing is told as not done. */
export async function reach(path, body, harmless = body === undefined) {
  try {
    return await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem({
      detail: harmless
        ? _('We can\'t reach the server. Check your connection. Nothing was done.')
        : _('We can\'t reach the server. Check your connection, then reload the page to see whether it was done.'),
    });
  }
}

export async function call(path, body, harmless = body === undefined) {
  const answer = await reach(path, body, harmless);
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(told);
  return told;
}
