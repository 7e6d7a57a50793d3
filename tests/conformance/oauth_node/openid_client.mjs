// npm openid-client through PAR + RAR + DPoP + code, CIBA, token exchange, introspection and revocation, unmodified.
// It is told by lines of JSON on its input, and tells what a person must do, and what came of it, on its output.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const given = await next();
const found = createRequire(given.modules).resolve('openid-client');
const client = await import(pathToFileURL(found));

const key = await crypto.subtle.importKey('jwk', given.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] };
const auth = client.PrivateKeyJwt({ key, kid: given.kid });
const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, auth, options);
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
const details = JSON.stringify([given.mandate]);

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const consent = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: given.redirect_uri,
  response_type: 'code',
  scope: 'mandate',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  authorization_details: details,
}, { DPoP });
tell({ consent: consent.href });
const back = new URL((await next()).redirect);
const checks = { pkceCodeVerifier: verifier, expectedState: state };
const granted = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });

const started = await client.initiateBackchannelAuthentication(config, {
  scope: 'openid',
  login_hint: given.customer,
  binding_message: 'Kettle 4711',
  authorization_details: details,
  dpop_jkt: await DPoP.calculateThumbprint(),
});
tell({ knocked: started });
await next();
const ciba = await client.pollBackchannelAuthenticationGrant(config, started, undefined, { DPoP });

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const task = await client.genericGrantRequest(config, EXCHANGE, {
  subject_token: ciba.mandate,
  subject_token_type: 'urn:remit:token-type:mandate',
}, { DPoP });
const seen = await client.tokenIntrospection(config, task.access_token);
const url = new URL(`${given.issuer}/v1/tasks/${task.task}/asks`);
const headers = new Headers({ 'content-type': 'application/json', 'idempotency-key': 'first' });
const answer = await client.fetchProtectedResource(config, task.access_token, url, 'POST', JSON.stringify(given.ask), headers, { DPoP });
const body = await answer.json();
await client.tokenRevocation(config, task.access_token);
const after = await client.tokenIntrospection(config, task.access_token);
let declined;
const again = await client.initiateBackchannelAuthentication(config, {
  scope: 'openid', login_hint: given.customer, authorization_details: details, dpop_jkt: await DPoP.calculateThumbprint(),
});
tell({ knocked: again });
await next();
try {
  await client.pollBackchannelAuthenticationGrant(config, again, undefined, { DPoP });
} catch (error) {
  declined = error.error;
}
tell({ done: { granted, ciba, task, seen, status: answer.status, body, after, declined } });
process.exit(0);
