// The company's OpenID provider in a journey: oidc-provider, with a page of its own where anybody signs in as whom they name, as strongly
// as they say. Usage: node oidc_provider.mjs CONFIG.json NODE_MODULES; prints `ready`, ends with its standard input.
import crypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [file, modules] = process.argv.slice(2);
const { port, client, pushed } = JSON.parse(readFileSync(file, 'utf8'));
const { Provider } = await import(pathToFileURL(createRequire(`${modules}/`).resolve('oidc-provider')));
const issuer = `http://127.0.0.1:${port}`;
const key = (kind, options, more) => ({ ...crypto.generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...more });
const people = () => JSON.parse(readFileSync(`${file}.people`, 'utf8'));

const provider = new Provider(issuer, {
  clients: [client],
  jwks: { keys: [key('ec', { namedCurve: 'P-256' }, { kid: 'es', alg: 'ES256' }), key('rsa', { modulusLength: 2048 }, { kid: 'rs', alg: 'RS256' })] },
  cookies: { keys: ['only for a test'] },
  acrValues: ['gold', 'silver'],
  claims: { openid: ['sub', 'acr', 'groups', 'customer'], profile: ['name'], email: ['email', 'email_verified'], auth_time: null, sid: null },
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: pushed },
  },
  interactions: { url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  // It guards against addresses of one's own machine, which is where the desk of a test is.
  fetch: (url, { dispatcher: _guard, ...options }) => globalThis.fetch(url, options),
  findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people()[id] }) }),
  // The company's own desk asks nobody whether it may know who they are.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    grant.addOIDCClaims(['acr', 'auth_time', 'sid']);
    await grant.save();
    return grant;
  },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/sign-in/')) return next();
  const { uid, prompt } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = `<!doctype html><title>Acme</title><form method="post" action="/sign-in/${uid}"><label>Who <input name="login"></label>
      <label>How <input name="acr" value="silver"></label><button>Enter</button></form><p>${prompt.name}</p>`;
    return undefined;
  }
  let body = '';
  for await (const chunk of ctx.req) body += chunk;
  const form = new URLSearchParams(body);
  const known = Object.hasOwn(people(), form.get('login'));
  const result = known ? { login: { accountId: form.get('login'), acr: form.get('acr') } } : { error: 'access_denied', error_description: 'nobody' };
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
});
provider.on('server_error', (_ctx, error) => console.error('server_error', error));
provider.on('backchannel.error', (_ctx, error) => console.error('backchannel.error', error.message, error.cause));
provider.listen(port, '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
