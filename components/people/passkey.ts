import { load, Refused, send } from './send.ts'

/** Passkeys need https (or localhost), a name rather than a number as the address, and a browser that has them. */
export const hasPasskeys = () =>
  typeof window !== 'undefined' &&
  'PublicKeyCredential' in window &&
  !/^[\d.]+$|^\[/.test(window.location.hostname)

const CANCELLED = 'No passkey was used. Try again, or sign in another way.'

/** Signs in with a passkey of this device or of a key that is plugged in. @throws Refused */
export async function signInWithPasskey(): Promise<void> {
  const options = await load<PublicKeyCredentialRequestOptionsJSON>(
    '/api/auth/passkey/generate-authenticate-options',
  )
  // The server takes no passkey that did not ask who holds it.
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({
    ...options,
    userVerification: 'required',
  })
  const found = (await navigator.credentials
    .get({ publicKey })
    .catch(() => null)) as PublicKeyCredential | null
  if (!found) throw new Refused(0, CANCELLED)
  await send('/api/auth/passkey/verify-authentication', { response: found.toJSON() })
}

/** Makes a passkey for the account that is signed in. @throws Refused */
export async function addPasskey(name: string): Promise<void> {
  const query = new URLSearchParams({ name })
  const options = await load<PublicKeyCredentialCreationOptionsJSON>(
    `/api/auth/passkey/generate-register-options?${query}`,
  )
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const made = (await navigator.credentials
    .create({ publicKey })
    .catch(() => null)) as PublicKeyCredential | null
  if (!made) throw new Refused(0, 'No passkey was made.')
  await send('/api/auth/passkey/verify-registration', { response: made.toJSON(), name })
}
