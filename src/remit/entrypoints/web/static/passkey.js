// The browser's own passkey dialogue. What is signed comes from the desk; the page only hands it on.
export async function makePasskey(options) {
  const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  return made.toJSON();
}

export async function usePasskey(options) {
  const used = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return used.toJSON();
}
