// npm oauth4webapi, the low-level client, through PAR + RAR + DPoP + code, CIBA, and token exchange, unmodified.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const given = await next();
const oauth = await import(pathToFileURL(createRequire(given.modules).resolve('oauth4webapi')));

const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(given.issuer);
const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
const as = await oauth.processDiscoveryResponse(issuer, discovered);
const resource = await oauth.processResourceDiscoveryResponse(issuer, await oauth.resourceDiscoveryRequest(issuer, insecure));
const key = await crypto.subtle.importKey('jwk', given.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
const client = { client_id: given.client_id };
const auth = oauth.PrivateKeyJwt({ key, kid: given.kid });
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256', { extractable: false }));
const details = JSON.stringify([given.mandate]);
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();

const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, {
  redirect_uri: given.redirect_uri,
  response_type: 'code',
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  authorization_details: details,
}, { DPoP, ...insecure }));
const consent = new URL(as.authorization_endpoint);
consent.searchParams.set('client_id', client.client_id);
consent.searchParams.set('request_uri', pushed.request_uri);
tell({ consent: consent.href });
const answered = oauth.validateAuthResponse(as, client, new URL((await next()).redirect), state);
const redeemed = await oauth.authorizationCodeGrantRequest(as, client, auth, answered, given.redirect_uri, verifier, { DPoP, ...insecure });
const granted = await oauth.processAuthorizationCodeResponse(as, client, redeemed);

const asked = await oauth.backchannelAuthenticationRequest(as, client, auth, {
  scope: 'openid',
  login_hint: given.customer,
  authorization_details: details,
  dpop_jkt: await DPoP.calculateThumbprint(),
}, insecure);
const started = await oauth.processBackchannelAuthenticationResponse(as, client, asked);
const poll = async () => oauth.processBackchannelAuthenticationGrantResponse(as, client,
  await oauth.backchannelAuthenticationGrantRequest(as, client, auth, started.auth_req_id, { DPoP, ...insecure }));
let pending;
try {
  await poll();
} catch (error) {
  pending = error.error;
}
tell({ knocked: started });
await next();
const ciba = await poll();

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const exchanged = await oauth.genericTokenEndpointRequest(as, client, auth, EXCHANGE, {
  subject_token: ciba.mandate,
  subject_token_type: 'urn:remit:token-type:mandate',
}, { DPoP, ...insecure });
const task = await oauth.processGenericTokenEndpointResponse(as, client, exchanged);
const claims = await oauth.validateJwtAccessToken(as, new Request(given.issuer, {
  headers: { authorization: `DPoP ${task.access_token}`, dpop: 'x' },
}), given.issuer, insecure).catch((error) => ({ refused: error.message }));
const url = new URL(`${given.issuer}/v1/tasks/${task.task}/asks`);
const headers = new Headers({ 'content-type': 'application/json', 'idempotency-key': 'first', 'accept-txn-challenge': '?1' });
let challenge;
let body;
try {
  const answer = await oauth.protectedResourceRequest(task.access_token, 'POST', url, headers, JSON.stringify(given.ask), { DPoP, ...insecure });
  body = await answer.json();
} catch (error) {
  challenge = { status: error.status, parameters: error.cause[0].parameters, scheme: error.cause[0].scheme };
}
tell({ done: { resource, granted, pending, ciba, task, claims, body, challenge } });
process.exit(0);
