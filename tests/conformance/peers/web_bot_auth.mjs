// An agent by npm `web-bot-auth`: it serves its signed directory, and signs each request named on its standard input.
// Usage: node web_bot_auth.mjs NODE_MODULES; prints {"origin", "keyid"}, then one line of headers for each line {"method", "url", "headers"}.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { directoryResponseHeaders, jwkToKeyID, helpers, signatureHeaders, HTTP_MESSAGE_SIGNATURES_DIRECTORY, MediaType } = await (async () => {
  const main = await load('web-bot-auth');
  const crypto = await load('web-bot-auth/crypto');
  return { ...main, ...main.default, helpers: crypto.helpers ?? crypto.default.helpers };
})();
const { signerFromJWK } = await load('web-bot-auth/crypto').then((one) => one.default ?? one);

const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
const { kty, crv, x } = jwk;
const keyid = await jwkToKeyID({ kty, crv, x }, helpers.WEBCRYPTO_SHA256, helpers.BASE64URL_DECODE);
const signer = await signerFromJWK({ kty, crv, x, d: jwk.d });
signer.keyid = keyid;
const soon = () => ({ created: new Date(Date.now() - 1000), expires: new Date(Date.now() + 60_000) });

const server = createServer(async (request, response) => {
  if (request.url !== HTTP_MESSAGE_SIGNATURES_DIRECTORY) return response.writeHead(404).end();
  const pair = { request: { method: 'GET', url: `http://${request.headers.host}${request.url}`, headers: {} }, response: { status: 200, headers: {} } };
  const signed = await directoryResponseHeaders(pair, [signer], soon());
  response.writeHead(200, { 'content-type': MediaType.HTTP_MESSAGE_SIGNATURES_DIRECTORY, ...signed });
  return response.end(JSON.stringify({ keys: [{ kty, crv, x, kid: keyid, use: 'sig' }] }));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ origin: `http://127.0.0.1:${server.address().port}`, keyid })));

for await (const line of createInterface({ input: process.stdin })) {
  const { method, url, headers } = JSON.parse(line);
  const named = ['content-digest', 'authorization', 'signature-agent'].filter((name) => name in headers);
  const components = ['@method', '@target-uri', ...named];
  console.log(JSON.stringify(await signatureHeaders({ method, url, headers }, signer, { ...soon(), components })));
}
process.exit(0);
