import type { Step } from '../auth/provider-schema.ts'
import { seal } from '../auth/seal.ts'
import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { Reach } from '../reach.ts'
import { DAY, type Instant } from '../time/instant.ts'
import { SECRET_PURPOSE, secretsOf } from './courier.ts'
import type { DeliveryRow, SaveWebhook, WebhookRow } from './schema.ts'
import { post } from './send.ts'
import { newWebhookSecret, signedHeaders } from './sign.ts'

/** An old secret goes on for so long after a change. */
const BOTH_MS = DAY
const MOST_ENDPOINTS = 20
const A_PAGE = 50

const NO_WEBHOOK = () => new AppError('not-found', 'There is no such webhook in this fleet.', 'id')

export async function listWebhooks(db: Db, fleetId: number, now: Instant): Promise<WebhookRow[]> {
  const { rows } = await db.query<WebhookRow>(
    `select e.id, e.name, e.url, e.kinds, e.enabled, e.created_at as "createdAt", e.created_by as "createdBy",
       case when e.previous_until > $2 then e.previous_until end as "previousUntil", coalesce(w.waiting, 0)::int as waiting,
       g.settled_at as "lastDeliveredAt", p.problem
     from webhook_endpoints e
     left join lateral (select count(*) as waiting from webhook_deliveries d
       where d.fleet_id = e.fleet_id and d.endpoint_id = e.id and d.state = 'waiting') w on true
     left join lateral (select max(settled_at) as settled_at from webhook_deliveries d
       where d.fleet_id = e.fleet_id and d.endpoint_id = e.id and d.state = 'delivered') g on true
     left join lateral (select problem from webhook_deliveries d
       where d.fleet_id = e.fleet_id and d.endpoint_id = e.id and d.attempts > 0
       order by d.id desc limit 1) p on true
     where e.fleet_id = $1 order by e.name, e.id`,
    [fleetId, new Date(now)],
  )
  return rows
}

type Told = Omit<SaveWebhook, 'id'>

/**
 * Makes or changes one; a new one gets its secret, which is shown this once. The caller has judged the URL.
 * @returns with `before`, what it was, for one that was changed
 */
export async function saveWebhook(
  tx: Db,
  fleetId: number,
  by: string,
  { id, name, url, kinds, enabled }: SaveWebhook,
): Promise<{ id: number; secret: string | null; before?: Told }> {
  if (id !== undefined) {
    const { rows } = await tx.query<Told>(
      `with old as (select id, name, url, kinds, enabled from webhook_endpoints where fleet_id = $1 and id = $2 for update)
       update webhook_endpoints e set name = $3, url = $4, kinds = $5, enabled = $6 from old
       where e.fleet_id = $1 and e.id = old.id returning old.name, old.url, old.kinds, old.enabled`,
      [fleetId, id, name, url, kinds, enabled],
    )
    if (!rows[0]) throw NO_WEBHOOK()
    return { id, secret: null, before: rows[0] }
  }
  const made = { id: newId(), secret: newWebhookSecret() }
  const { rowCount } = await tx.query(
    `insert into webhook_endpoints (fleet_id, id, name, url, kinds, enabled, secret, created_by)
     select $1, $2, $3, $4, $5, $6, $7, $8
     where (select count(*) from webhook_endpoints where fleet_id = $1) < $9`,
    [fleetId, made.id, name, url, kinds, enabled, seal(made.secret, SECRET_PURPOSE), by, MOST_ENDPOINTS],
  )
  if (!rowCount) throw new AppError('conflict', `A fleet has at most ${MOST_ENDPOINTS} webhooks.`)
  return made
}

/** A new secret; the one before is good for a day more, and deliveries are signed with both. */
export async function rotateSecret(tx: Db, fleetId: number, id: number, now: Instant): Promise<string> {
  const secret = newWebhookSecret()
  const { rowCount } = await tx.query(
    `update webhook_endpoints set previous_secret = secret, previous_until = $4, secret = $3 where fleet_id = $1 and id = $2`,
    [fleetId, id, seal(secret, SECRET_PURPOSE), new Date(now + BOTH_MS)],
  )
  if (!rowCount) throw NO_WEBHOOK()
  return secret
}

/** Takes one away, with what still waits for it. */
export async function removeWebhook(
  tx: Db,
  fleetId: number,
  id: number,
): Promise<{ name: string; url: string }> {
  const { rows } = await tx.query<{ name: string; url: string }>(
    'delete from webhook_endpoints where fleet_id = $1 and id = $2 returning name, url',
    [fleetId, id],
  )
  if (!rows[0]) throw NO_WEBHOOK()
  return rows[0]
}

/** Sends a delivery that tells of nothing, now, and says how each step went. */
export async function testWebhook(
  db: Db,
  fleetId: number,
  id: number,
  reach: Reach,
  now: Instant,
): Promise<Step[]> {
  const { rows } = await db.query<{ url: string; secret: Buffer; previousSecret: Buffer | null }>(
    `select url, secret, case when previous_until > $3 then previous_secret end as "previousSecret" from webhook_endpoints
     where fleet_id = $1 and id = $2`,
    [fleetId, id, new Date(now)],
  )
  const [row] = rows
  if (!row) throw NO_WEBHOOK()
  const delivery = newId()
  const body = Buffer.from(
    JSON.stringify({ id: String(delivery), event: 'webhook.test', at: new Date(now).toISOString() }),
  )
  const { steps } = await post(
    row.url,
    (url) => signedHeaders({ id: delivery, endpointId: id, url, body }, secretsOf(row), now),
    body,
    reach,
  )
  return steps
}

/** The deliveries of an endpoint, the newest first. */
export async function listDeliveries(
  db: Db,
  fleetId: number,
  id: number,
  before: number | null,
): Promise<{ rows: DeliveryRow[]; more: boolean }> {
  const { rows: known } = await db.query('select from webhook_endpoints where fleet_id = $1 and id = $2', [
    fleetId,
    id,
  ])
  if (known.length === 0) throw NO_WEBHOOK()
  const { rows } = await db.query<DeliveryRow>(
    `select id, event, state, attempts, created_at as "createdAt", due_at as "dueAt", settled_at as "settledAt", status, problem
     from webhook_deliveries where fleet_id = $1 and endpoint_id = $2 and ($3::bigint is null or id < $3)
     order by id desc limit $4`,
    [fleetId, id, before, A_PAGE + 1],
  )
  return { rows: rows.slice(0, A_PAGE), more: rows.length > A_PAGE }
}

/** One that was delivered or given up waits again, and is tried at once, as often as a new one. */
export async function sendAgain(tx: Db, fleetId: number, id: number, now: Instant): Promise<void> {
  const { rowCount } = await tx.query(
    `update webhook_deliveries set state = 'waiting', attempts = 0, due_at = $3, settled_at = null
     where fleet_id = $1 and id = $2`,
    [fleetId, id, new Date(now)],
  )
  if (!rowCount) throw new AppError('not-found', 'There is no such delivery in this fleet.', 'id')
}
