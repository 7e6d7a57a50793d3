// @ts-check
/**
 * A backoffice for Remit in one file: orders in memory, a journal on disk, and one act, a refund. Put your own tables and
 * acts in their place. Node 20 or newer, no packages. The types are in JSDoc (`tsc --checkJs --strict` is content): Node 20
 * cannot run .ts files, which needs --experimental-strip-types of 22.6.
 *
 * Run: node backoffice.mjs 8700 shop.journal remit.pub.pem shop.pem     Why each part is there: docs/backoffice.md
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { appendFileSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:http";

/** @typedef {{state: "done" | "failed" | "fenced" | "unseen", values?: Record<string, unknown>, reason?: string}} Result */
/** @typedef {{kind: string, id: string, version: string}} Version */
/** @typedef {{key: string, action: string, params: Record<string, string>, customer: string, versions: Version[]}} Act */
/** @typedef {{owner: string, name: string, paid: number, refunded: number, version: number}} Order */
/** @typedef {Record<string, string | string[] | undefined>} Headers */

const [port, journal, remitPem, shopPem] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`; // behind a proxy: its https address, exactly as in Remit's backoffice.url
const remit = createPublicKey(readFileSync(remitPem)), shop = createPrivateKey(readFileSync(shopPem));
const LONGEST = 262_144;
/** @type {Map<string, number>} */ const nonces = new Map();
/** @type {Map<string, Result>} */ const acts = new Map();
/** @type {Map<string, Order>} */ const orders = new Map([
  ["O-1001", { owner: "anna", name: "Kettle", paid: 4990, refunded: 0, version: 1 }],
  ["O-1002", { owner: "bram", name: "Lamp", paid: 8900, refunded: 0, version: 1 }],
  ["O-1003", { owner: "anna", name: "Chair", paid: 19900, refunded: 0, version: 1 }],
]);
/** @type {Map<string, string>} */ const emails = new Map([["anna", "anna@mail.example"], ["bram", "bram@mail.example"]]);

class Refusal extends Error {
  /** @param {number} status @param {string} reason */
  constructor(status, reason) { super(reason); this.status = status; }
}

// Signatures: RFC 9421, one strict form of it.

/** @param {import("node:crypto").KeyObject} key */
const keyId = (key) =>
  createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${key.export({ format: "jwk" }).x}"}`).digest("base64url");
const remitId = keyId(remit), shopId = keyId(createPublicKey(shop));
/** @param {Buffer} body */
const digestOf = (body) => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;

/** @param {string} method @param {string} path @param {Headers} headers @param {Buffer} body */
function verifyRequest(method, path, headers, body) {
  const named = ["idempotency-key", "txn-token"].filter((one) => one in headers);
  const covered = ["@method", "@target-uri", "content-digest", ...named];
  const found = /^remit=(\(([^()]*)\);created=(\d{1,12});expires=(\d{1,12});nonce="([\w-]{22})";keyid="([\w-]{43})";alg="ed25519";tag="remit-backoffice")$/
    .exec(String(headers["signature-input"]));
  const value = /^remit=:([A-Za-z0-9+/]{86}==):$/.exec(String(headers.signature));
  if (!found || !value || found[2] !== covered.map((one) => `"${one}"`).join(" ") || found[6] !== remitId)
    throw new Refusal(401, "not signed by Remit");
  if (headers["content-digest"] !== digestOf(body)) throw new Refusal(401, "another body was signed");
  const now = Date.now() / 1000, created = Number(found[3]), expires = Number(found[4]);
  const values = { ...headers, "@method": method, "@target-uri": base + path, "@signature-params": found[1] };
  const lines = [...covered, "@signature-params"].map((one) => `"${one}": ${/** @type {Headers} */ (values)[one]}`);
  if (!verify(null, Buffer.from(lines.join("\n")), remit, Buffer.from(value[1], "base64")))
    throw new Refusal(401, "not signed by Remit");
  if (!(created - 5 <= now && now < expires && expires <= created + 60)) throw new Refusal(401, "signed too long ago");
  for (const [nonce, until] of nonces) if (until <= now) nonces.delete(nonce);
  if (nonces.has(found[5])) throw new Refusal(401, "this request came before");
  nonces.set(found[5], expires);
}

/** @param {number} status @param {Buffer} body @param {string} requestSignature */
function signed(status, body, requestSignature) {
  const now = Math.floor(Date.now() / 1000), nonce = randomBytes(16).toString("base64url");
  const params = `("@status" "content-digest" "signature";req;key="remit");created=${now};expires=${now + 60};` +
    `nonce="${nonce}";keyid="${shopId}";alg="ed25519";tag="remit-backoffice"`;
  const lines = [`"@status": ${status}`, `"content-digest": ${digestOf(body)}`,
    `"signature";req;key="remit": ${requestSignature.slice("remit=".length)}`, `"@signature-params": ${params}`];
  const value = sign(null, Buffer.from(lines.join("\n")), shop).toString("base64");
  return { "content-digest": digestOf(body), "signature-input": `remit=${params}`, signature: `remit=:${value}:` };
}

// The shop. Node runs one act at a time; each is on disk before it is answered.

/** @type {Result} */ const NOT_FOUND = { state: "failed", reason: "There is no such order of this customer." };
/** @param {number} cents */
const euro = (cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")} EUR`;
/** @param {string} customer */
const owned = (customer) => [...orders].filter(([, order]) => order.owner === customer);

/** @param {string} kind @param {string} id */
function fact(kind, id) {
  const found = kind === "order" ? orders.get(id) : undefined;
  return found ? { id, owners: [found.owner], name: found.name, version: String(found.version) } : null;
}

/** @param {{action: string, customer: string, params: Record<string, string>}} ask @returns {Result} */
function read(ask) {
  const found = orders.get(ask.params.order_id);
  if (!found || found.owner !== ask.customer || ask.action !== "order.read") return NOT_FOUND; // the same for both
  return { state: "done", values: { "order.paid": euro(found.paid), "order.refunded": euro(found.refunded) } };
}

/** @param {{customer: string, names: string[], beside?: Record<string, string[]>}} ask */
function attributes(ask) {
  const others = owned(ask.customer).filter(([id]) => !(ask.beside?.order ?? []).includes(id));
  const held = { "contact.email": emails.get(ask.customer), "order.refunded": others.map(([, one]) => euro(one.refunded)) };
  return Object.fromEntries(Object.entries(held).filter(([name, value]) => ask.names.includes(name) && value?.length));
}

/** @param {Act} act @returns {[Result, {id: string, cents: number}?]} The answer, and what changes with it. */
function refund(act) {
  if (act.versions.some((one) => fact(one.kind, one.id)?.version !== one.version))
    return [{ state: "failed", reason: "The order changed since this was decided." }];
  const id = act.params.order_id, found = orders.get(id), money = /^(\d{1,7})\.(\d\d) EUR$/.exec(act.params.amount);
  if (act.action !== "order.refund" || !found || found.owner !== act.customer) return [NOT_FOUND];
  const cents = money ? Number(money[1] + money[2]) : 0;
  if (cents <= 0 || cents > found.paid - found.refunded) return [{ state: "failed", reason: "More than was paid, or nothing." }];
  return [{ state: "done", values: { "order.refunded": euro(found.refunded + cents) } }, { id, cents }];
}

/** @param {string} key @param {Result} result @param {{id: string, cents: number}} [change] */
function apply(key, result, change) {
  acts.set(key, result);
  const order = change && orders.get(change.id);
  if (order && change) { order.refunded += change.cents; order.version += 1; }
}

/** Give a key its kept answer, or make it: the act and its key are one line of the journal.
 * @param {string} key @param {() => [Result, {id: string, cents: number}?]} make */
function once(key, make) {
  const kept = acts.get(key);
  if (kept) return kept;
  const [result, change] = make();
  try {
    appendFileSync(file, JSON.stringify({ key, result, change }) + "\n");
    fsyncSync(file);
  } catch (problem) {
    console.error(`the journal cannot be written: ${problem}`); // a start takes a torn last line away; nothing was answered
    process.exit(1);
  }
  apply(key, result, change);
  return result;
}

const whole = existsSync(journal) ? readFileSync(journal, "utf8").replace(/[^\n]*$/, "") : ""; // without a torn last line
const file = openSync(journal, "a");
ftruncateSync(file, Buffer.byteLength(whole));
for (const line of whole.split("\n").filter(Boolean)) {
  const { key, result, change } = JSON.parse(line);
  apply(key, result, change);
}

// The contract.

/** @type {Record<string, (ask: any) => unknown>} */
const posts = {
  "/v1/facts": (ask) => ({ records: ask.records.map((/** @type {Version} */ one) => fact(one.kind, one.id)) }),
  "/v1/contents": (ask) => ({ contents: ask.records.map(() => ({})) }), // orders have no parts here
  "/v1/read": read,
  "/v1/attributes": (ask) => ({ attributes: attributes(ask) }),
  "/v1/records": (ask) => ({ records: ask.kind === "order" ? owned(ask.customer).map(([id, one]) => ({ id, name: one.name })) : [] }),
};

/** @param {string} method @param {string} path @param {Headers} headers @param {Buffer} body */
function answer(method, path, headers, body) {
  const known = /^\/v1\/acts(?:\/([^/]+?)(\/fence)?)?$/.exec(path);
  if (method === "GET" && path === "/v1/about")
    return { contract: "1", name: "Example shop", kinds: ["order"], actions: ["order.refund"] };
  if (method === "POST" && Object.hasOwn(posts, path)) return posts[path](JSON.parse(body.toString()));
  if (method === "GET" && known?.[1] && !known[2]) return acts.get(decodeURIComponent(known[1])) ?? { state: "unseen" };
  if (method === "POST" && known && Boolean(known[1]) === Boolean(known[2])) {
    /** @type {Act} */ const act = JSON.parse(body.toString());
    if (!headers["txn-token"] || act.key !== headers["idempotency-key"] || (known[1] && act.key !== decodeURIComponent(known[1])))
      throw new Refusal(400, "the key of the act is not that of the request");
    return once(act.key, known[2] ? () => [{ state: "fenced" }] : () => refund(act));
  }
  throw new Refusal(404, "no such address");
}

createServer(async (request, response) => {
  let status = 200, told, size = 0;
  /** @type {Buffer[]} */ const parts = [];
  try {
    for await (const part of request) if ((size += part.length) <= LONGEST) parts.push(part);
    if (size > LONGEST) throw new Refusal(413, "too long");
    const body = Buffer.concat(parts), path = request.url ?? "", method = request.method ?? "";
    verifyRequest(method, path, request.headers, body);
    told = answer(method, path, request.headers, body);
  } catch (problem) {
    status = problem instanceof Refusal ? problem.status : problem instanceof TypeError || problem instanceof SyntaxError ? 400 : 500;
    told = { status, title: problem instanceof Refusal ? problem.message : "not a body of the contract" };
  }
  const raw = Buffer.from(JSON.stringify(told)), kind = status === 200 ? "application/json" : "application/problem+json";
  const headers = { "content-type": kind, "content-length": raw.length, "cache-control": "no-store" };
  response.writeHead(status, { ...headers, ...signed(status, raw, String(request.headers.signature)) }).end(raw);
}).listen(Number(port), "127.0.0.1", () => console.log(`listening at ${base}`));
