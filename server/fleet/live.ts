import { TRPCError, tracked } from '@trpc/server'
import type pg from 'pg'
import type { Person } from '../auth/principal.ts'
import type { Db } from '../db/pool.ts'
import { mayAcross, router } from '../trpc.ts'
import { createHub, type Hub } from './hub.ts'
import { StreamInput } from './live-schema.ts'

/** A stream lives on for hours: it reads the clock itself, where a procedure is told the time once. */
const clock = () => Date.now()

/** One hub a process and database: Next's copy of this module must not open a second one. */
const shared = globalThis as { restlineHubs?: WeakMap<pg.Pool, Hub> }

function hubOf(pool: pg.Pool): Hub {
  shared.restlineHubs ??= new WeakMap()
  let hub = shared.restlineHubs.get(pool)
  if (!hub) {
    hub = createHub({ pool, now: clock })
    shared.restlineHubs.set(pool, hub)
  }
  return hub
}

/** Does this person still belong to the fleet, in the same role, and has this session neither ended nor entered another fleet? */
export async function isStillIn(db: Db, person: Person, now: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from fleet_members m where m.fleet_id = $1 and m.user_id = $2
       and m.role = $4 and exists (select from sessions s where s.id = $5 and s.user_id = m.user_id and s.expires_at > $3
         and not exists (select from fleet_members o where o.user_id = s.user_id and o.fleet_id = s.chosen_fleet_id
           and o.fleet_id <> m.fleet_id))`,
    [person.fleetId, person.userId, new Date(now), person.role, person.sessionId],
  )
  return rowCount === 1
}

export const liveRouter = router({
  /** See `LiveFrame`: a snapshot first, or what was missed since `lastEventId`; then changes, four times a second at most. */
  stream: mayAcross('fleet.see')
    .input(StreamInput)
    .subscription(async function* ({ ctx, input, signal }) {
      const { person, db } = ctx
      const frames = hubOf(db).subscribe(person.fleetId, {
        lastEventId: input.lastEventId ?? null,
        signal,
        isAllowed: () => isStillIn(db, person, clock()),
      })
      for await (const { cursor, frame } of frames) yield tracked(cursor, frame)
      if (!signal?.aborted) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Your session has ended.' })
    }),
})
