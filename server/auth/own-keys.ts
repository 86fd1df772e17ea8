import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { keyIdOf, parseSshKeyBlob } from './keys/ssh-key.ts'
import { sshString } from './keys/ssh-wire.ts'

/** The private half of a device's key, for trucks of our own making: a real one never leaves its device. */
export interface OwnKey {
  /** `<fleet>/SHA256:…` */
  keyId: string
  /** PKCS #8, PEM. */
  privateKey: string
}

const TWO_YEARS_MS = 2 * 365 * 24 * 3_600_000

export const privateKeyOf = ({ privateKey }: OwnKey): KeyObject => createPrivateKey(privateKey)

/**
 * Gives simulated and replayed devices an Ed25519 key each, active at once; those that `by` gave them before end.
 * @param by who simulates, as it stands in the list of keys
 * @returns their keys in the order of the ids
 */
export async function makeOwnKeys(
  db: Db,
  fleetId: number,
  deviceIds: readonly number[],
  by: string,
  now: number,
): Promise<OwnKey[]> {
  if (deviceIds.length === 0) return []
  const { rows } = await db.query<{ slug: string }>('select slug from fleets where id = $1', [fleetId])
  const { slug } = rows[0]!
  const made = deviceIds.map(() => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
    const blob = Buffer.concat([sshString(Buffer.from('ssh-ed25519')), sshString(raw)])
    const reading = parseSshKeyBlob(blob)
    if (!reading.ok) throw new Error(reading.detail)
    const { fingerprint } = reading.key
    return { fingerprint, line: `ssh-ed25519 ${blob.toString('base64')}`, privateKey }
  })
  await db.query(
    `update device_keys set state = 'revoked', revoked_at = $4, revoked_by = $3, revoked_for = 'made anew'
     where fleet_id = $1 and device_id = any($2) and enrolled_by = $3 and state <> 'revoked'`,
    [fleetId, deviceIds, by, new Date(now)],
  )
  await db.query(
    `insert into device_keys (fleet_id, id, fingerprint, public_key, comment, type, bits, algorithm, state, scopes, reach,
       device_id, vehicle_ids, enrolled_at, enrolled_by, activated_at, expires_at)
     select $1, k.id, k.fingerprint, k.line, $6, 'ssh-ed25519', 256, 'ed25519', 'active', '{ingest}', 'device', k.device_id, '{}',
       $7, $6, $7, $8
     from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[]) as k(id, fingerprint, line, device_id)`,
    [
      fleetId,
      made.map(() => newId()),
      made.map(({ fingerprint }) => fingerprint),
      made.map(({ line }) => line),
      deviceIds,
      by,
      new Date(now),
      new Date(now + TWO_YEARS_MS),
    ],
  )
  return made.map(({ fingerprint, privateKey }) => ({
    keyId: keyIdOf(slug, fingerprint),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }))
}
