// The browser's own passkey dialogue. What is signed comes from the desk; the page only hands it on.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const named = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

// Browsers of a few years ago know passkeys, but not their JSON (WebAuthn 3, §5.1).
function toCreate(options) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const user = { ...options.user, id: bytes(options.user.id) };
  return { ...options, user, challenge: bytes(options.challenge), excludeCredentials: named(options.excludeCredentials) };
}

function toGet(options) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) };
}

function toJson(made) {
  if (made.toJSON) return made.toJSON();
  const { response } = made;
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'].filter((name) => response[name]);
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment,
    clientExtensionResults: made.getClientExtensionResults(),
    response: { ...Object.fromEntries(parts.map((name) => [name, text(response[name])])), ...(response.getTransports ? { transports: response.getTransports() } : {}) },
  };
}

export async function makePasskey(options) {
  return toJson(await navigator.credentials.create({ publicKey: toCreate(options) }));
}

export async function usePasskey(options) {
  return toJson(await navigator.credentials.get({ publicKey: toGet(options) }));
}

/** Where passkeys cannot be used, the page says why and what helps, and what needs one is off. */
export function passkeysOrCure(root) {
  const why = !window.isSecureContext ? '[data-insecure]' : !window.PublicKeyCredential || !navigator.credentials ? '[data-no-passkey]' : '';
  if (!why) return;
  for (const one of root.querySelectorAll(why)) one.hidden = false;
  for (const one of root.querySelectorAll('[data-passkey]')) {
    one.disabled = true;
    one.setAttribute('data-spent', '');
  }
}
