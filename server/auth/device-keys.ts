import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { unseenIn } from '../text-schema.ts'
import {
  type EnrolledKey,
  type KeyChoice,
  type KeyReach,
  type KeyScope,
  MOST_KEYS,
  type NewKey,
} from './device-keys/schema.ts'
import type { SshPublicKey } from './keys/ssh-key.ts'
import { keyIdOf } from './keys/ssh-key.ts'
import { parseSshKeyLine } from './keys/ssh-key-line.ts'
import { enrolmentNamespace, verifySshSignature } from './keys/sshsig.ts'

const DAY_MS = 24 * 3_600_000
const EXPIRES_AFTER_MS = 2 * 365 * DAY_MS
const LONGEST_LIFE_MS = 5 * 365 * DAY_MS
const CHALLENGE_MS = 10 * 60_000
/** How long a key that was replaced is still good (device-signatures section 2). */
const OVERLAP_MS = 7 * DAY_MS
const EXPIRES_SOON_MS = 30 * DAY_MS
const UNUSED_MS = 180 * DAY_MS
/** How long a pending key may wait for its first request. */
const PENDING_FOR_MS = DAY_MS

const NO_KEY = () => new AppError('not-found', 'There is no such key in this fleet.', 'keyId')

/** Reads a pasted line. @throws AppError unacceptable with what is wrong with it */
export function readKeyLine(line: string, algorithm?: string): SshPublicKey {
  const reading = parseSshKeyLine(line)
  if (!reading.ok) throw new AppError('unacceptable', reading.detail, 'publicKey')
  const { key } = reading
  const unseen = unseenIn(key.comment)
  if (unseen)
    throw new AppError(
      'unacceptable',
      `The comment behind the key has a character that can’t be seen or turns the text around (${unseen}). Leave the comment out.`,
      'publicKey',
    )
  if (algorithm !== undefined && !key.algorithms.some((one) => one === algorithm)) {
    throw new AppError('unacceptable', `A key of type ${key.type} does not sign ${algorithm}.`, 'algorithm')
  }
  return key
}

/**
 * Enrols the public half of a device's own SSH key, pending until the device proves that it has the other half
 * (device-signatures section 2). An active key of the fleet is never replaced.
 * @throws AppError unacceptable for a key or an expiry that can't be, not-found for a device or vehicle of another fleet, conflict
 *   for a key that the fleet has
 */
export async function enrolKey(
  db: Db,
  fleetId: number,
  input: NewKey,
  by: { name: string | null; now: number; state?: 'pending' | 'active' },
): Promise<EnrolledKey> {
  const key = readKeyLine(input.publicKey, input.algorithm)
  const expiresAt = input.expiresAt === undefined ? by.now + EXPIRES_AFTER_MS : input.expiresAt
  if (expiresAt <= by.now || expiresAt > by.now + LONGEST_LIFE_MS) {
    throw new AppError('unacceptable', 'must lie ahead, at most five years', 'expiresAt')
  }
  await checkReach(db, fleetId, input.reach)
  const id = await insertKey(db, fleetId, key, {
    algorithm: input.algorithm ?? key.algorithm,
    scopes: input.scopes,
    reach: input.reach,
    state: by.state ?? 'pending',
    expiresAt,
    enrolledBy: by.name,
    now: by.now,
    rotatedFrom: null,
  })
  return (await listKeys(db, fleetId, by.now, id))[0]!
}

interface Insertion {
  algorithm: string
  scopes: readonly string[]
  reach: KeyReach
  state: 'pending' | 'active'
  expiresAt: number
  enrolledBy: string | null
  now: number
  rotatedFrom: number | null
}

async function insertKey(
  db: Db,
  fleetId: number,
  key: SshPublicKey,
  { reach, ...row }: Insertion,
): Promise<number> {
  // A line that was pasted and never proved stands in nobody's way.
  await db.query(
    `delete from device_keys where fleet_id = $1 and fingerprint = $2 and state = 'pending' and enrolled_at < $3`,
    [fleetId, key.fingerprint, new Date(row.now - PENDING_FOR_MS)],
  )
  const { rows } = await db.query<{ id: number }>(
    `insert into device_keys (fleet_id, id, fingerprint, public_key, comment, type, bits, algorithm, state, scopes, reach,
       device_id, vehicle_ids, enrolled_at, enrolled_by, activated_at, expires_at, rotated_from)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
     on conflict do nothing returning id`,
    [
      fleetId,
      newId(),
      key.fingerprint,
      `${key.type} ${key.blob.toString('base64')}`,
      key.comment.slice(0, 200),
      key.type,
      key.bits,
      row.algorithm,
      row.state,
      row.scopes,
      reach.kind,
      reach.kind === 'device' ? reach.deviceId : null,
      reach.kind === 'vehicles' ? reach.vehicleIds : [],
      new Date(row.now),
      row.enrolledBy,
      row.state === 'active' ? new Date(row.now) : null,
      new Date(row.expiresAt),
      row.rotatedFrom,
    ],
  )
  if (!rows[0]) throw new AppError('conflict', 'The fleet has this key already.', 'publicKey')
  return rows[0].id
}

async function checkReach(db: Db, fleetId: number, reach: KeyReach): Promise<void> {
  if (reach.kind === 'fleet') return
  const ids = reach.kind === 'device' ? [reach.deviceId] : [...new Set(reach.vehicleIds)]
  const { rows } = await db.query<{ found: number }>(
    reach.kind === 'device'
      ? 'select count(*)::int as found from devices where fleet_id = $1 and id = any($2)'
      : 'select count(*)::int as found from vehicles where fleet_id = $1 and id = any($2)',
    [fleetId, ids],
  )
  if (rows[0]!.found === ids.length) return
  throw new AppError(
    'not-found',
    `There is no such ${reach.kind === 'device' ? 'device' : 'vehicle'} in this fleet.`,
    'reach',
  )
}

/** The fleet's keys, the newest first and at most `MOST_KEYS`. `which` narrows them. */
export async function listKeys(
  db: Db,
  fleetId: number,
  now: number,
  id?: number,
  which: KeyChoice = {},
): Promise<EnrolledKey[]> {
  const { rows } = await db.query<KeyRow>(
    `select k.id, k.fingerprint, f.slug, k.comment, k.type, k.bits, k.algorithm, k.state, k.scopes, k.reach,
       k.device_id as "deviceId", d.name as "deviceName", k.vehicle_ids::text[] as "vehicleIds", k.enrolled_at as "enrolledAt",
       k.enrolled_by as "enrolledBy", k.activated_at as "activatedAt", k.expires_at as "expiresAt",
       k.rotated_from as "rotatedFrom", k.revoked_at as "revokedAt", k.revoked_by as "revokedBy",
       k.revoked_for as "revokedFor", k.last_used_at as "lastUsedAt", k.last_address as "lastAddress",
       k.clock_offset_ms as "clockOffsetMs"
     from device_keys k join fleets f on f.id = k.fleet_id
       left join devices d on d.fleet_id = k.fleet_id and d.id = k.device_id
     where k.fleet_id = $1 and ($2::bigint is null or k.id = $2) and ($3::bigint is null or k.device_id = $3)
       and ($4::text = '' or strpos(lower(concat_ws(' ', k.fingerprint, k.comment, d.name)), lower($4)) > 0)
     order by k.id desc limit $5`,
    [fleetId, id ?? null, which.deviceId ?? null, which.search ?? '', MOST_KEYS],
  )
  return rows.map((row) => shown(row, now))
}

interface KeyRow extends Omit<EnrolledKey, 'keyId' | 'reach' | 'state' | 'isUnused' | 'expiresSoon'> {
  slug: string
  state: 'pending' | 'active' | 'revoked'
  reach: 'fleet' | 'vehicles' | 'device'
  deviceId: number | null
  vehicleIds: string[]
}

function shown({ slug, reach, deviceId, vehicleIds, ...row }: KeyRow, now: number): EnrolledKey {
  const isExpired =
    (row.expiresAt !== null && row.expiresAt <= now) ||
    (row.state === 'pending' && row.enrolledAt <= now - PENDING_FOR_MS)
  return {
    ...row,
    keyId: keyIdOf(slug, row.fingerprint),
    scopes: row.scopes as KeyScope[],
    state: row.state !== 'revoked' && isExpired ? 'expired' : row.state,
    reach:
      reach === 'fleet'
        ? { kind: 'fleet' }
        : reach === 'device'
          ? { kind: 'device', deviceId: deviceId! }
          : { kind: 'vehicles', vehicleIds: vehicleIds.map(Number) },
    expiresSoon:
      row.state === 'active' &&
      row.expiresAt !== null &&
      !isExpired &&
      row.expiresAt <= now + EXPIRES_SOON_MS,
    isUnused: row.state === 'active' && (row.lastUsedAt ?? row.enrolledAt) <= now - UNUSED_MS,
  }
}

/** What an operator signs to prove that a pending key is there, and how. */
export interface Challenge {
  challenge: string
  namespace: string
  /** To be pasted into a shell beside the key; `-f` names its file. */
  command: string
  expiresAt: number
}

/**
 * A new challenge for a pending key; it takes the place of an older one.
 * @param host the name that the server has, part of the signature's namespace
 * @throws AppError not-found, conflict for a key that is not pending
 */
export async function challengeKey(
  db: Db,
  fleetId: number,
  keyId: number,
  host: string,
  now: number,
): Promise<Challenge> {
  await pendingKey(db, fleetId, keyId, now)
  const challenge = randomBytes(24).toString('base64url')
  const expiresAt = now + CHALLENGE_MS
  await db.query(
    `insert into device_key_challenges (fleet_id, key_id, challenge, expires_at) values ($1, $2, $3, $4)
     on conflict (fleet_id, key_id) do update set challenge = excluded.challenge, expires_at = excluded.expires_at`,
    [fleetId, keyId, challenge, new Date(expiresAt)],
  )
  const namespace = enrolmentNamespace(host)
  const command = `printf %s '${challenge}' | ssh-keygen -Y sign -f KEYFILE -n ${namespace}`
  return { challenge, namespace, command, expiresAt }
}

async function pendingKey(
  db: Db,
  fleetId: number,
  keyId: number,
  now: number,
): Promise<{ publicKey: string }> {
  const { rows } = await db.query<{ state: string; publicKey: string; enrolledAt: number }>(
    `select state, public_key as "publicKey", enrolled_at as "enrolledAt" from device_keys
     where fleet_id = $1 and id = $2`,
    [fleetId, keyId],
  )
  if (!rows[0]) throw NO_KEY()
  if (rows[0].state !== 'pending')
    throw new AppError('conflict', `The key is ${rows[0].state}, not pending.`, 'keyId')
  if (rows[0].enrolledAt <= now - PENDING_FOR_MS)
    throw new AppError('conflict', 'The key was enrolled more than a day ago: enrol it again.', 'keyId')
  return rows[0]
}

/**
 * Takes the output of `ssh-keygen -Y sign` over the key's challenge and makes the key active. The challenge is used up, whatever
 * comes of it.
 * @param finish runs the last part in a transaction, together with the caller's row of the audit log
 * @throws AppError not-found, conflict (no challenge, or not pending), unacceptable (the signature proves nothing)
 */
export async function proveKey(
  pool: pg.Pool,
  fleetId: number,
  keyId: number,
  signature: string,
  host: string,
  now: number,
  finish: (activate: (tx: Db) => Promise<EnrolledKey>) => Promise<EnrolledKey>,
): Promise<EnrolledKey> {
  const { publicKey } = await pendingKey(pool, fleetId, keyId, now)
  const { rows } = await pool.query<{ challenge: string; expiresAt: number }>(
    `delete from device_key_challenges where fleet_id = $1 and key_id = $2
     returning challenge, expires_at as "expiresAt"`,
    [fleetId, keyId],
  )
  const [asked] = rows
  if (!asked || asked.expiresAt <= now)
    throw new AppError('conflict', 'Ask for a new challenge first.', 'signature')
  const message = Buffer.from(asked.challenge, 'utf8')
  const check = verifySshSignature(signature, message, enrolmentNamespace(host), readKeyLine(publicKey))
  if (!check.ok) {
    throw new AppError(
      'unacceptable',
      `The signature proves nothing (${check.reason}): ask for a new challenge.`,
      'signature',
    )
  }
  return await finish(async (tx) => {
    await activateKey(tx, fleetId, keyId, now)
    return (await listKeys(tx, fleetId, now, keyId))[0]!
  })
}

/** A pending key that has proved itself. True if it was this call that made it active. */
export async function activateKey(db: Db, fleetId: number, keyId: number, now: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `update device_keys set state = 'active', activated_at = $3 where fleet_id = $1 and id = $2 and state = 'pending'`,
    [fleetId, keyId, new Date(now)],
  )
  return rowCount === 1
}

/**
 * Ends a key and its sessions, in one transaction with whatever else `tx` does; every instance hears of it within a second or two (`auth_epochs`).
 * @throws AppError not-found
 */
export async function revokeKey(
  tx: Db,
  fleetId: number,
  keyId: number,
  by: { name: string | null; why: string; now: number },
): Promise<EnrolledKey> {
  const { rowCount } = await tx.query(
    `update device_keys set state = 'revoked', revoked_at = coalesce(revoked_at, $3), revoked_by = coalesce(revoked_by, $4),
       revoked_for = coalesce(revoked_for, $5) where fleet_id = $1 and id = $2`,
    [fleetId, keyId, new Date(by.now), by.name, by.why],
  )
  if (!rowCount) throw NO_KEY()
  await tx.query('delete from device_sessions where fleet_id = $1 and key_id = $2', [fleetId, keyId])
  await tx.query('delete from device_key_challenges where fleet_id = $1 and key_id = $2', [fleetId, keyId])
  return (await listKeys(tx, fleetId, by.now, keyId))[0]!
}

/** What the new key signs when a device changes its key: the old key's id and the new one's fingerprint, so that it fits nowhere else. */
export const rotationMessage = (oldKeyId: string, newFingerprint: string) => `${oldKeyId} ${newFingerprint}`

/**
 * A device changes its own key: the request is signed by the old one, the new one proves itself by an SSHSIG over
 * `rotationMessage`. Both are good for the overlap; then the old one ends by itself.
 * @throws AppError unacceptable (key or signature), conflict (the fleet has the key)
 */
export async function rotateKey(
  tx: Db,
  old: { fleetId: number; id: number; keyId: string },
  input: { publicKey: string; signature: string },
  host: string,
  now: number,
): Promise<EnrolledKey> {
  const key = readKeyLine(input.publicKey)
  const message = Buffer.from(rotationMessage(old.keyId, key.fingerprint), 'utf8')
  const check = verifySshSignature(input.signature, message, enrolmentNamespace(host), key)
  if (!check.ok) {
    throw new AppError(
      'unacceptable',
      `The new key has not signed as it should (${check.reason}).`,
      'signature',
    )
  }
  const { rows } = await tx.query<Omit<KeyRow, 'slug'> & { lifeMs: number }>(
    `update device_keys k set expires_at = least(k.expires_at, $3)
     from (select id, expires_at, enrolled_at from device_keys where fleet_id = $1 and id = $2 for update) was
     where k.fleet_id = $1 and k.id = was.id and k.state = 'active'
     returning k.scopes, k.reach, k.device_id as "deviceId", k.vehicle_ids::text[] as "vehicleIds", k.enrolled_by as "enrolledBy",
       (extract(epoch from was.expires_at - was.enrolled_at) * 1000)::float8 as "lifeMs"`,
    [old.fleetId, old.id, new Date(now + OVERLAP_MS)],
  )
  const [row] = rows
  if (!row) throw new AppError('conflict', 'The key that signed is not active any more.')
  const reach: KeyReach =
    row.reach === 'device'
      ? { kind: 'device', deviceId: row.deviceId! }
      : row.reach === 'fleet'
        ? { kind: 'fleet' }
        : { kind: 'vehicles', vehicleIds: row.vehicleIds.map(Number) }
  const id = await insertKey(tx, old.fleetId, key, {
    algorithm: key.algorithm,
    scopes: row.scopes,
    reach,
    state: 'active',
    // A key that was given a month does not give itself years.
    expiresAt: now + Math.min(row.lifeMs, EXPIRES_AFTER_MS),
    enrolledBy: row.enrolledBy,
    now,
    rotatedFrom: old.id,
  })
  return (await listKeys(tx, old.fleetId, now, id))[0]!
}
