// npm oidc-provider as the company's provider that issues ID-JAGs by token exchange, and oauth4webapi as an employee's agent that
// fetches one there and redeems it at the desk, by the JWT bearer grant with DPoP. Both unmodified; the grant type is a plug-in of the provider.
import crypto from 'node:crypto';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const tell = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const given = await next();
const load = (name) => import(pathToFileURL(createRequire(given.modules).resolve(name)));
const { Provider } = await load('oidc-provider');
const jose = await load('jose');
const oauth = await load('oauth4webapi');

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const issuer = `http://127.0.0.1:${given.port}`;
const signing = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const { d: _private, ...agentKey } = given.key;
const provider = new Provider(issuer, {
  clients: [
    { client_id: 'remit', client_secret: 'of the desk and the provider', redirect_uris: [`${given.issuer}/login/oidc/callback`], id_token_signed_response_alg: 'ES256' },
    {
      client_id: given.client_id, grant_types: [EXCHANGE], response_types: [], redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', id_token_signed_response_alg: 'ES256',
      jwks: { keys: [{ ...agentKey, kid: given.kid, use: 'sig', alg: 'ES256' }] },
    },
  ],
  clientAuthMethods: ['client_secret_basic', 'private_key_jwt'],
  jwks: { keys: [{ ...signing.export({ format: 'jwk' }), use: 'sig', kid: 'es', alg: 'ES256' }] },
  cookies: { keys: ['only for a test'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, id) => (id in given.people ? { accountId: id, claims: async () => ({ sub: id, ...given.people[id] }) } : undefined),
});
provider.registerGrantType(EXCHANGE, async (ctx) => {
  const { subject_token: subject, audience, requested_token_type: wanted } = ctx.oidc.params;
  const account = given.people[subject];
  if (!account || wanted !== ID_JAG) throw Object.assign(new Error('invalid_grant'), { status: 400, expose: true, error: 'invalid_grant' });
  const jag = await new jose.SignJWT({
    ...account, client_id: ctx.oidc.client.clientId, cnf: given.bound ? { jkt: given.bound } : undefined,
  }).setProtectedHeader({ alg: 'ES256', kid: 'es', typ: 'oauth-id-jag+jwt' }).setIssuer(issuer).setSubject(subject).setAudience(audience)
    .setJti(crypto.randomUUID()).setIssuedAt().setExpirationTime('5m').sign(signing);
  ctx.body = { access_token: jag, issued_token_type: ID_JAG, token_type: 'N_A', expires_in: 300 };
}, ['subject_token', 'subject_token_type', 'audience', 'requested_token_type'], ['audience']);
provider.on('server_error', (_ctx, error) => console.error('server_error', error));
await new Promise((ready) => provider.listen(given.port, '127.0.0.1', ready));
tell({ ready: true });
await next();

const insecure = { [oauth.allowInsecureRequests]: true };
const found = async (address, algorithm) => oauth.processDiscoveryResponse(new URL(address),
  await oauth.discoveryRequest(new URL(address), { algorithm, ...insecure }));
const [company, desk] = [await found(issuer, 'oidc'), await found(given.issuer, 'oauth2')];
const key = await crypto.subtle.importKey('jwk', given.key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
const client = { client_id: given.client_id };
const auth = oauth.PrivateKeyJwt({ key, kid: given.kid });
const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
given.bound = await DPoP.calculateThumbprint();
const fetched = async () => (await oauth.processGenericTokenEndpointResponse(company, client,
  await oauth.genericTokenEndpointRequest(company, client, auth, EXCHANGE, {
    subject_token: 'p-anna', subject_token_type: 'urn:ietf:params:oauth:token-type:id_token', requested_token_type: ID_JAG,
    audience: given.issuer,
  }, insecure), { recognizedTokenTypes: { n_a: () => {} } })).access_token;
const redeem = async () => oauth.genericTokenEndpointRequest(desk, client, auth, BEARER, {
  assertion: await fetched(), authorization_details: JSON.stringify([given.mandate]),
}, { DPoP, ...insecure });

const first = await (await redeem()).json();
tell({ asked: first });
await next();
const ciba = await oauth.processBackchannelAuthenticationGrantResponse(desk, client,
  await oauth.backchannelAuthenticationGrantRequest(desk, client, auth, first.auth_req_id, { DPoP, ...insecure }));
const later = await oauth.processGenericTokenEndpointResponse(desk, client, await redeem());
tell({ done: { ciba, later, profiles: desk.authorization_grant_profiles_supported } });
process.exit(0);
