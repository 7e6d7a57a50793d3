// Talking to the JSON twins: same origin, JSON only, refusals as exceptions that carry their code.
import { _ } from './texts.js';

export class Problem extends Error {
  constructor(body) {
    super(body.detail || body.title || '');
    this.code = body.code || '';
    this.body = body;
  }
}

export async function call(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem({ detail: _('We can\'t reach the server. Check your connection. Nothing was done.') });
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(told);
  return told;
}
