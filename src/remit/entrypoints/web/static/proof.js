// Verifying a receipt in the browser, with the log's public key and nothing else: C2SP tlog-proof and signed note, RFC 9162 §2.1.3.2.
// Nothing is sent anywhere. The same steps as `remit verify`; a change of either must go with the other.
const marked = (text) => text; // said to people in their language by whoever catches it
const bytesOf = (text) => new TextEncoder().encode(text);
const SECTIONS = ['envelope', 'agent', 'customer', 'desk'];

export class Unproved extends Error {}

function check(so, why) {
  if (!so) throw new Unproved(why);
}

function unb64(text, size) {
  let raw = null;
  try {
    raw = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  } catch {
    throw new Unproved(marked('It contains invalid base64.'));
  }
  check(btoa(String.fromCharCode(...raw)) === text, marked('It contains base64 that is not in canonical form.'));
  check(size === undefined || raw.length === size, marked('Part of it has the wrong length.'));
  return raw;
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) {
    all.set(one, at);
    at += one.length;
  }
  return all;
}

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...parts)));
const same = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);

// name+hash+base64 (C2SP signed-note). The hash must fit the name and the key.
async function readKey(text) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) || [];
  check(name, marked('The key must have the form name+hash+base64.'));
  const raw = unb64(encoded, 33);
  check(raw[0] === 1, marked('The key is not an Ed25519 key.'));
  const hash = (await sha256(bytesOf(`${name}\n`), raw)).slice(0, 4);
  check([...hash].map((one) => one.toString(16).padStart(2, '0')).join('') === id, marked('The key does not match its own hash.'));
  let key = null;
  try {
    key = await crypto.subtle.importKey('raw', raw.slice(1), { name: 'Ed25519' }, false, ['verify']);
  } catch {
    throw new Unproved(marked('This browser can\'t verify these signatures. Use a newer browser or remit verify.'));
  }
  return { name, hash, key };
}

// A checkpoint that the key signed: its origin, size and root.
async function readCheckpoint(note, known) {
  const cut = note.lastIndexOf('\n\n');
  check(cut > 0 && note.endsWith('\n'), marked('The receipt has no signed checkpoint.'));
  const text = note.slice(0, cut + 1);
  let signed = false;
  for (const line of note.slice(cut + 2, -1).split('\n')) {
    const [, name, encoded] = /^— ([^+\s]+) (\S+)$/.exec(line) || [];
    check(name, marked('A line below the checkpoint is not a signature.'));
    const raw = unb64(encoded);
    if (name === known.name && same(raw.slice(0, 4), known.hash)) {
      const good = await crypto.subtle.verify({ name: 'Ed25519' }, known.key, raw.slice(4), bytesOf(text));
      check(good, marked('The checkpoint\'s signature is not valid.'));
      signed = true;
    }
  }
  check(signed, marked('The checkpoint is not signed with this key.'));
  const [origin, size, root] = text.split('\n');
  check(origin === known.name, marked('The checkpoint belongs to another log.'));
  check(/^(0|[1-9][0-9]{0,15})$/.test(size) && Number.isSafeInteger(Number(size)), marked('The checkpoint has no valid size.'));
  return { origin, size: Number(size), root: unb64(root, 32) };
}

// The root that a leaf leads to at its place.
async function rootOf(leaf, index, size, proof) {
  check(index < size, marked('The checkpoint\'s log has no such entry.'));
  let [here, last, computed] = [index, size - 1, leaf];
  for (const sibling of proof) {
    check(last > 0, marked('The proof is too long.'));
    if (here % 2 === 1 || here === last) {
      computed = await sha256([1], sibling, computed);
      while (here > 0 && here % 2 === 0) [here, last] = [here / 2, Math.floor(last / 2)];
    } else {
      computed = await sha256([1], computed, sibling);
    }
    [here, last] = [Math.floor(here / 2), Math.floor(last / 2)];
  }
  check(last === 0, marked('The proof is too short.'));
  return computed;
}

// Where a value that stands at `at` in canonical JSON ends.
function endOf(text, at) {
  let depth = 0;
  let quoted = false;
  for (let place = at; place < text.length; place += 1) {
    const one = text[place];
    if (quoted) {
      if (one === '\\') place += 1;
      else if (one === '"') quoted = false;
    } else if (one === '"') quoted = true;
    else if (one === '{' || one === '[') depth += 1;
    else if (one === '}' || one === ']') depth -= 1;
    if (!quoted && depth === 0 && (one === '}' || one === ']' || one === '"')) return place + 1;
    if (!quoted && depth === 0 && /[,}\]]/.test(text[place + 1] || ',')) return place + 1;
  }
  throw new Unproved(marked('The receipt is cut off.'));
}

// The members of a canonical object, each as it is written: a hash is over the bytes, not over what a program makes of numbers.
function membersOf(text) {
  check(text.startsWith('{'), marked('The receipt does not have the expected contents.'));
  const members = Object.create(null);
  let at = 1;
  while (text[at] !== '}') {
    const key = endOf(text, at);
    check(text[at] === '"' && text[key] === ':', marked('The receipt does not have the expected contents.'));
    const end = endOf(text, key + 1);
    const name = JSON.parse(text.slice(at, key));
    check(!Object.hasOwn(members, name), marked('A field of the receipt appears twice.'));
    members[name] = text.slice(key + 1, end);
    const more = text[end] === ',';
    check(more ? text[end + 1] === '"' : text[end] === '}', marked('The receipt does not have the expected contents.'));
    at = more ? end + 1 : end;
  }
  check(at === text.length - 1, marked('The receipt has data after its end.'));
  return members;
}

async function leafOf(extra) {
  const shown = membersOf(extra);
  check(Object.keys(shown).sort().join() === 'hashes,kind,sections', marked('The receipt does not have the expected contents.'));
  const [opened, closed] = [membersOf(shown.sections), membersOf(shown.hashes)];
  const sections = {};
  const hashes = [];
  for (const name of SECTIONS) {
    check(Object.hasOwn(opened, name) !== Object.hasOwn(closed, name), marked('Each part of an entry must be either open or hashed.'));
    if (Object.hasOwn(closed, name)) {
      hashes.push(unb64(JSON.parse(closed[name]), 32));
    } else {
      const one = membersOf(opened[name]);
      check(Object.keys(one).sort().join() === 'body,salt', marked('An open part must have a salt and a body.'));
      hashes.push(await sha256(unb64(JSON.parse(one.salt), 16), bytesOf(`${name}\0`), bytesOf(one.body)));
      sections[name] = JSON.parse(one.body);
    }
  }
  check(Object.keys(opened).length + Object.keys(closed).length === SECTIONS.length, marked('The receipt has an unknown part.'));
  const kind = JSON.parse(shown.kind);
  check(sections.envelope && sections.envelope.kind === kind, marked('The receipt\'s kind does not match its envelope.'));
  return { kind, sections, leaf: await sha256(bytesOf('remit-leaf-v1\0'), ...hashes) };
}

// JSON as an agent's program may have written it anew: no member twice, nothing behind it. Objects have no prototype.
const TOKEN = /[\t\n\r ]*("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|[{}[\],:])/y;
const DEPTH = 96;
const MOST = 16 * 1024 * 1024;

function reading(text) {
  TOKEN.lastIndex = 0;
  const next = () => {
    const [, token] = TOKEN.exec(text) || [];
    check(token !== undefined, marked('Part of it can\'t be read.'));
    return token;
  };
  const value = (token, depth) => {
    check(depth < DEPTH, marked('Part of it can\'t be read.'));
    if (token === '{') return members(depth);
    if (token === '[') return items(depth);
    check(!/^[}\],:]$/.test(token), marked('Part of it can\'t be read.'));
    const found = JSON.parse(token);
    if (typeof found !== 'number') return found;
    check(Number.isFinite(found), marked('Part of it can\'t be read.'));
    return /[.eE]/.test(token) ? new Number(found) : found; // 5.0 is no place in a log
  };
  const members = (depth) => {
    const found = Object.create(null);
    let token = next();
    if (token === '}') return found;
    for (;;) {
      check(token.startsWith('"') && next() === ':', marked('Part of it can\'t be read.'));
      const name = JSON.parse(token);
      check(!Object.hasOwn(found, name), marked('A field of the receipt appears twice.'));
      found[name] = value(next(), depth + 1);
      token = next();
      if (token === '}') return found;
      check(token === ',', marked('Part of it can\'t be read.'));
      token = next();
    }
  };
  const items = (depth) => {
    const found = [];
    let token = next();
    if (token === ']') return found;
    for (;;) {
      found.push(value(token, depth + 1));
      token = next();
      if (token === ']') return found;
      check(token === ',', marked('Part of it can\'t be read.'));
      token = next();
    }
  };
  const found = value(next(), 0);
  check(/^[\t\n\r ]*$/.test(text.slice(TOKEN.lastIndex)), marked('The receipt has data after its end.'));
  return found;
}

// A value in its one canonical form (RFC 8785): what is hashed.
function canonical(value) {
  if (value instanceof Number) return String(Number(value));
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value && typeof value === 'object') {
    return `{${Object.keys(value).sort().map((name) => `${canonical(name)}:${canonical(value[name])}`).join(',')}}`;
  }
  if (typeof value === 'string') check(!/[\ud800-\udfff]/u.test(value), marked('Part of it can\'t be read.'));
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const hasExactly = (value, names) => isObject(value) && Object.keys(value).sort().join() === names;

async function leafOfObject(shown) {
  check(isObject(shown.sections) && isObject(shown.hashes), marked('The receipt does not have the expected contents.'));
  const hashes = [];
  for (const name of SECTIONS) {
    const opened = Object.hasOwn(shown.sections, name);
    check(opened !== Object.hasOwn(shown.hashes, name), marked('Each part of an entry must be either open or hashed.'));
    if (opened) {
      const one = shown.sections[name];
      check(hasExactly(one, 'body,salt') && typeof one.salt === 'string' && (one.body === null || isObject(one.body)), marked('An open part must have a salt and a body.'));
      hashes.push(await sha256(unb64(one.salt, 16), bytesOf(`${name}\0`), bytesOf(canonical(one.body))));
    } else {
      check(typeof shown.hashes[name] === 'string', marked('The receipt does not have the expected contents.'));
      hashes.push(unb64(shown.hashes[name], 32));
    }
  }
  check(Object.keys(shown.sections).length + Object.keys(shown.hashes).length === SECTIONS.length, marked('The receipt has an unknown part.'));
  const sections = Object.fromEntries(SECTIONS.filter((name) => Object.hasOwn(shown.sections, name)).map((name) => [name, shown.sections[name].body]));
  check(sections.envelope && sections.envelope.kind === shown.kind && /^[a-z]+\.[a-z_]+$/.test(shown.kind), marked('The receipt\'s kind does not match its envelope.'));
  check(Number.isInteger(sections.envelope.at), marked('The receipt does not have the expected contents.'));
  return { kind: shown.kind, sections, leaf: await sha256(bytesOf('remit-leaf-v1\0'), ...hashes) };
}

// A receipt as it comes with a reply, and as `remit.client` hands it out: JSON, with one entry or several.
async function verifiedJson(text, keyText) {
  const known = await readKey(keyText);
  check(text.length <= MOST, marked('The receipt is too long.'));
  const receipt = reading(text);
  check(hasExactly(receipt, 'checkpoint,entries,log,v') && receipt.v === 1, marked('The receipt does not have the expected contents.'));
  check(typeof receipt.checkpoint === 'string' && Array.isArray(receipt.entries) && receipt.entries.length > 0, marked('The receipt does not contain its entry.'));
  const checkpoint = await readCheckpoint(receipt.checkpoint, known);
  check(receipt.log === checkpoint.origin, marked('The checkpoint belongs to another log.'));
  const entries = [];
  for (const one of receipt.entries) {
    check(hasExactly(one, 'hashes,index,kind,proof,sections') && Number.isSafeInteger(one.index) && one.index >= 0, marked('The receipt does not say which entry it proves.'));
    check(Array.isArray(one.proof) && one.proof.length <= 63 && one.proof.every((step) => typeof step === 'string'), marked('The receipt does not have the expected contents.'));
    check(!entries.length || entries[entries.length - 1].index < one.index, marked('The receipt\'s entries are not in the order of the log.'));
    const { kind, sections, leaf } = await leafOfObject(one);
    const root = await rootOf(await sha256([0], leaf), one.index, checkpoint.size, one.proof.map((step) => unb64(step, 32)));
    check(same(root, checkpoint.root), marked('The proof leads to a different root hash. The entry is not in this log as shown.'));
    entries.push({ index: one.index, kind, at: sections.envelope.at, sections });
  }
  return { ...entries[0], entries, size: checkpoint.size, origin: checkpoint.origin };
}

// Verify one receipt (C2SP tlog-proof, or JSON). Answers what is proved; throws Unproved with the reason otherwise.
export async function verifyReceipt(text, keyText) {
  try {
    if (/^[\t\n\r ]*\{/.test(text)) return await verifiedJson(text, keyText);
    const found = await verified(text, keyText);
    return { ...found, entries: [{ index: found.index, kind: found.kind, at: found.at, sections: found.sections }] };
  } catch (problem) {
    // What JSON and UTF-8 are is the browser's to say; what is neither proves nothing.
    if (problem instanceof SyntaxError || problem instanceof TypeError) throw new Unproved(marked('Part of it can\'t be read.'));
    throw problem;
  }
}

async function verified(text, keyText) {
  const known = await readKey(keyText);
  const cut = text.indexOf('\n\n');
  const lines = text.slice(0, Math.max(cut, 0)).split('\n');
  check(cut > 0 && lines.shift() === 'c2sp.org/tlog-proof@v1', marked('This is not a receipt. A receipt begins with c2sp.org/tlog-proof@v1, or is the JSON of a reply\'s receipt.'));
  check((lines[0] || '').startsWith('extra '), marked('The receipt does not contain its entry.'));
  const extra = new TextDecoder('utf-8', { fatal: true }).decode(unb64(lines.shift().slice('extra '.length)));
  const [, index] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() || '') || [];
  check(index !== undefined && Number.isSafeInteger(Number(index)), marked('The receipt does not say which entry it proves.'));
  const checkpoint = await readCheckpoint(text.slice(cut + 2), known);
  const { kind, sections, leaf } = await leafOf(extra);
  const root = await rootOf(await sha256([0], leaf), Number(index), checkpoint.size, lines.map((one) => unb64(one, 32)));
  check(same(root, checkpoint.root), marked('The proof leads to a different root hash. The entry is not in this log as shown.'));
  return { index: Number(index), kind, at: sections.envelope.at, sections, size: checkpoint.size, origin: checkpoint.origin };
}
