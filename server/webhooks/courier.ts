import type pg from 'pg'
import type { SealedColumns } from '../auth/reseal.ts'
import { sealedAnew, unseal } from '../auth/seal.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { faultOf, log } from '../log.ts'
import type { Reach } from '../reach.ts'
import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { post } from './send.ts'
import { signedHeaders } from './sign.ts'

export const SECRET_PURPOSE = 'webhook'

/** So many are under way at once, of one fleet, and to one endpoint: one that is slow holds up its own only. */
const AT_ONCE = 64
const OF_FLEET = 12
const TO_ONE = 4
/** A worker that dies in the middle leaves a delivery to the others after this. */
const LEASE_MS = MINUTE
/** The next try comes after this, twice that, … up to an hour; after so many the delivery is given up (about half a day). */
const AGAIN_MS = 10_000
const AGAIN_MOST_MS = 60 * MINUTE
const MOST_ATTEMPTS = 20
const KEPT_MS = 30 * DAY

interface Due {
  fleetId: number
  id: number
  endpointId: number
  url: string
  body: string
  attempts: number
  secret: Buffer
  previousSecret: Buffer | null
}

/** Carries deliveries to their endpoints: at least once each, many side by side, none in the way of another. */
export class Courier {
  readonly #pool: pg.Pool
  readonly #reach: Reach
  readonly #random: () => number
  readonly #underWay = new Map<Promise<void>, Due>()

  constructor(pool: pg.Pool, reach: Reach, random: () => number = Math.random) {
    this.#pool = pool
    this.#reach = reach
    this.#random = random
  }

  /**
   * Takes what is due and sends it off; doesn't wait for answers.
   * @returns how many went off
   */
  async run(now: () => Instant): Promise<number> {
    const room = AT_ONCE - this.#underWay.size
    if (room <= 0) return 0
    const due = await this.#claim(room, now())
    for (const delivery of due) {
      const carried = this.#carry(delivery, now)
        // It stays claimed, and is tried again when the lease ends.
        .catch((error) => log.error('a webhook delivery was not settled', faultOf(error)))
        .finally(() => this.#underWay.delete(carried))
      this.#underWay.set(carried, delivery)
    }
    return due.length
  }

  /** Until nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay.keys())
  }

  async #claim(room: number, now: Instant): Promise<Due[]> {
    const counts = new Map<number, { fleetId: number; count: number }>()
    for (const { fleetId, endpointId } of this.#underWay.values())
      counts.set(endpointId, { fleetId, count: (counts.get(endpointId)?.count ?? 0) + 1 })
    return await withTransaction(this.#pool, async (tx) => {
      const { rows } = await tx.query<Due>(
        `with busy as (select * from unnest($3::bigint[], $4::bigint[], $5::int[]) as b(fleet_id, endpoint_id, count)),
         fleets_due as (
           select fleet_id, $7 - coalesce((select sum(count) from busy b where b.fleet_id = e.fleet_id), 0) as room
           from webhook_endpoints e where enabled group by fleet_id
         ),
         taken as (
           select t.* from fleets_due f
           cross join lateral (
             select e.fleet_id, e.url, e.secret, case when e.previous_until > $1 then e.previous_secret end as previous_secret, d.id
             from webhook_endpoints e
             cross join lateral (
               select id from webhook_deliveries d
               where d.fleet_id = e.fleet_id and d.endpoint_id = e.id and d.state = 'waiting' and d.due_at <= $1
               order by d.due_at, d.id
               limit $2 - coalesce((select count from busy b where b.fleet_id = e.fleet_id and b.endpoint_id = e.id), 0)
               for update skip locked
             ) d
             where e.fleet_id = f.fleet_id and e.enabled order by random() limit f.room
           ) t
           where f.room > 0 order by random() limit $8
         )
         update webhook_deliveries d set due_at = $6, attempts = attempts + 1 from taken t
         where d.fleet_id = t.fleet_id and d.id = t.id
         returning d.fleet_id as "fleetId", d.id, d.endpoint_id as "endpointId", t.url, d.body, d.attempts, t.secret,
           t.previous_secret as "previousSecret"`,
        [
          new Date(now),
          TO_ONE,
          [...counts.values()].map(({ fleetId }) => fleetId),
          [...counts.keys()],
          [...counts.values()].map(({ count }) => count),
          new Date(now + LEASE_MS),
          OF_FLEET,
          room,
        ],
      )
      return rows
    })
  }

  async #carry(due: Due, now: () => Instant): Promise<void> {
    const body = Buffer.from(due.body, 'utf8')
    const { status, problem } = await post(
      due.url,
      (url) => signedHeaders({ id: due.id, endpointId: due.endpointId, url, body }, secretsOf(due), now()),
      body,
      this.#reach,
    )
    const givenUp = problem !== null && due.attempts >= MOST_ATTEMPTS
    // Spread, so that what failed together does not come back together.
    const waitMs = Math.min(AGAIN_MS * 2 ** (due.attempts - 1), AGAIN_MOST_MS) * (0.8 + 0.4 * this.#random())
    await this.#pool.query(
      `update webhook_deliveries set state = $3, status = $4, problem = $5, due_at = $6,
         settled_at = case when $3 = 'waiting' then null else $7::timestamptz end
       where fleet_id = $1 and id = $2 and state = 'waiting'`,
      [
        due.fleetId,
        due.id,
        problem === null ? 'delivered' : givenUp ? 'given-up' : 'waiting',
        status,
        problem,
        new Date(now() + waitMs),
        new Date(now()),
      ],
    )
  }
}

/** The secrets of an endpoint that count now, the present one first. */
export const secretsOf = (row: { secret: Buffer; previousSecret: Buffer | null }): string[] =>
  [row.secret, row.previousSecret].flatMap((sealed) => (sealed ? [unseal(sealed, SECRET_PURPOSE)] : []))

/** What stands sealed here, for `auth/reseal.ts`. */
export const SEALED_BY_WEBHOOKS: SealedColumns = {
  table: 'webhook_endpoints',
  key: ['fleet_id', 'id'],
  columns: ['secret', 'previous_secret'],
  anew: (value: Buffer, secrets) => sealedAnew(value, SECRET_PURPOSE, secrets),
}

/** Forgets what was settled a month ago. */
export async function forgetOldDeliveries(db: Db, now: Instant): Promise<void> {
  await db.query(`delete from webhook_deliveries where state <> 'waiting' and settled_at < $1`, [
    new Date(now - KEPT_MS),
  ])
}
