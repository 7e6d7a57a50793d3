// The npm oidc-provider as the issuer of a platform: its workloads get tokens by client credentials, each for one resource.
// Usage: node federated_issuer.mjs NODE_MODULES PORT; prints `ready`, ends with its standard input.
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, port] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('oidc-provider')));
const workload = (client_id) => ({
  client_id, client_secret: 'of a test alone', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
});
const key = { ...crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), kid: 'es', alg: 'ES256', use: 'sig' };
const rsa = { ...crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid: 'rs', alg: 'RS256', use: 'sig' };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [workload('build-live'), workload('build-test')],
  jwks: { keys: [key, rsa] },
  cookies: { keys: ['only for a test'] },
  extraTokenClaims: (_ctx, token) => ({ environment: token.clientId.replace('build-', '') }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_ctx, resource) => ({ scope: '', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
    },
  },
});
provider.on('server_error', (_ctx, error) => console.error('server_error', error));
provider.listen(port, '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
