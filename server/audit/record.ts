import type { Principal } from '../auth/principal.ts'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'

/** Where a request came from. */
export interface RequestSource {
  /** The address of the connection; a proxy's where there is one in front. */
  address: string | null
  requestId: string
}

/** Who did it: a person, a device, the product itself, or somebody who has not proved who they are. */
export interface Actor {
  kind: 'person' | 'device' | 'system' | 'stranger'
  id: string
  name: string
}

/** One deed. */
export interface AuditEntry {
  fleetId: number
  actor: Actor
  /** The thing and what was done to it: `alert.acknowledged`, `device-key.revoked`. */
  action: string
  object: { kind: string; id: string | number }
  /** The object, or what of it changed; left out for what was made or is gone. Secrets in it are withheld. */
  before?: unknown
  after?: unknown
  source?: RequestSource
  at: Instant
}

export const SYSTEM: Actor = { kind: 'system', id: 'restline', name: 'Restline' }

export const actorOf = (principal: Principal): Actor =>
  principal.kind === 'person'
    ? { kind: 'person', id: principal.userId, name: principal.name }
    : { kind: 'device', id: String(principal.deviceId), name: principal.name }

/** The part of an entry that a procedure's context knows: `recordAudit(tx, { ...deedOf(ctx), action, object })`. */
export function deedOf(ctx: {
  principal: Principal | null
  now: Instant
  source?: RequestSource
}): Pick<AuditEntry, 'fleetId' | 'actor' | 'at' | 'source'> {
  if (!ctx.principal) throw new Error('a deed needs somebody who did it')
  return {
    fleetId: ctx.principal.fleetId,
    actor: actorOf(ctx.principal),
    at: ctx.now,
    source: ctx.source,
  }
}

/**
 * Appends one row to the fleet's audit log, in the transaction of what it tells of: both commit or neither does. The database
 * gives it its number and its hash. From here to the commit the fleet's other deeds wait, so call it last.
 * @throws what the database says, e.g. for a fleet that `tx` is not bound to
 */
export async function recordAudit(tx: Db, entry: AuditEntry): Promise<void> {
  const { actor, object, source } = entry
  await tx.query(
    `insert into audit_log (fleet_id, at, actor_kind, actor_id, actor_name, action, object_kind, object_id, before, after,
       address, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      entry.fleetId,
      new Date(entry.at),
      actor.kind,
      actor.id,
      actor.name,
      entry.action,
      object.kind,
      String(object.id),
      jsonOf(entry.before),
      jsonOf(entry.after),
      source?.address ?? null,
      source?.requestId ?? null,
    ],
  )
}

const jsonOf = (value: unknown) => (value === undefined ? null : JSON.stringify(withheld(value)))

const WITHHELD = '[withheld]'
/** Names of what must never be kept: whoever reads the log could use it. A key's fingerprint and public part may be. */
const SECRET_NAME =
  /pass(word|phrase)|secret|token|signature|cookie|authorization|private.?key|session.?(id|key)|otp|credential$/i
/** Values that are secrets whatever they are called: a device token, a private key. */
const SECRET_VALUE =
  /\b(?:rl_[0-9a-z]+_[0-9a-z]+_[\w-]{32}|fdt_[0-9a-f]{8}_[\w-]{43})|PRIVATE KEY-----|^Bearer /

/** The value as it may be kept: secrets by name or by look are replaced, at any depth. */
export function withheld(value: unknown): unknown {
  if (typeof value === 'string') return SECRET_VALUE.test(value) ? WITHHELD : value
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (Array.isArray(value)) return value.map(withheld)
  if (ArrayBuffer.isView(value)) return WITHHELD
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      SECRET_NAME.test(name) && part !== null && typeof part !== 'boolean' ? WITHHELD : withheld(part),
    ]),
  )
}
