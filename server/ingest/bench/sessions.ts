import type { EnrolledDevice } from '../../auth/device.ts'
import { signData } from '../../auth/keys/algorithm.ts'
import { agreeSecret, offerSession } from '../../auth/keys/session-keys.ts'
import { draftRequest, newNonce } from '../../auth/keys/sign-request.ts'
import { makeOwnKeys, privateKeyOf } from '../../auth/own-keys.ts'
import type { Db } from '../../db/pool.ts'
import type { LoadDevice } from './load.ts'

/** What the doors of a benchmark are called. */
export const ORIGIN = 'http://localhost'

/** Gives each device a key of its own, and has it agree a session at the door by it. */
export async function openSessions(
  db: Db,
  port: number,
  devices: readonly EnrolledDevice[],
): Promise<LoadDevice[]> {
  const { rows } = await db.query<{ fleetId: number }>('select id as "fleetId" from fleets')
  const keys = await makeOwnKeys(
    db,
    rows[0]!.fleetId,
    devices.map(({ id }) => id),
    'bench',
    Date.now(),
  )
  return await Promise.all(
    devices.map(async (device, i) => {
      const offer = offerSession()
      const body = Buffer.from(JSON.stringify({ x25519: offer.x25519 }))
      const draft = draftRequest(
        { method: 'POST', target: '/v1/sessions', headers: [['Content-Type', 'application/json']], body },
        { kind: 'device', keyId: keys[i]!.keyId, algorithm: 'ed25519' },
        ORIGIN,
        Date.now(),
        newNonce(),
      )
      const headers = draft.headers(signData('ed25519', privateKeyOf(keys[i]!), draft.base))
      const url = `http://127.0.0.1:${port}/v1/sessions`
      const answer = await fetch(url, { method: 'POST', headers: headers.map(([k, v]) => [k, v]), body })
      if (answer.status !== 200) throw new Error(`no session: ${await answer.text()}`)
      const { session, x25519 } = (await answer.json()) as { session: string; x25519: string }
      const agreed = agreeSecret(offer.privateKey, x25519, draft.base)
      if (!agreed.ok) throw new Error(`no session: ${agreed.reason}`)
      const secret = agreed.secret.toString('base64')
      return { name: device.name, token: device.token, session: { id: session, secret } }
    }),
  )
}
