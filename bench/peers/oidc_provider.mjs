// The token endpoint that `make bench` compares an exchange with: oidc-provider with client_credentials, private_key_jwt, DPoP, and
// access tokens that are JWTs signed with ES256. Its store is its own memory adapter; it keeps no record of what it issues.
// Usage: node oidc_provider.mjs PORT CLIENTS.json NODE_MODULES; prints `ready`, ends with its standard input.
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, clients, modules] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('oidc-provider')));
const issuer = `http://localhost:${port}`;
const key = (kind, options, more) => ({ ...crypto.generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });
const provider = new Provider(issuer, {
  clients: JSON.parse(readFileSync(clients, 'utf8')).map(({ client_id, jwk }) => ({
    client_id,
    jwks: { keys: [jwk] },
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })),
  scopes: ['ask'],
  jwks: {
    keys: [key('ec', { namedCurve: 'P-256' }, { kid: 'es', alg: 'ES256' }), key('rsa', { modulusLength: 2048 }, { kid: 'rs', alg: 'RS256' })],
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => `${issuer}/desk`,
      getResourceServerInfo: (_ctx, audience) => ({
        scope: 'ask',
        audience,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
provider.on('server_error', (_ctx, error) => console.error('server_error', error.message));
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
