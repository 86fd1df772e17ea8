import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import { ASIDE, isRepaired, JUMP } from './flags.ts'
import type { StoredPoint } from './points.ts'

/** Why a point that was taken for good on arrival is kept aside, as a device's page counts it. */
export type LaterDoubt = 'jump' | 'coarse' | 'said-twice'

/** So many more points of a device (fewer: negative) are doubted for a reason. */
export interface Recount {
  deviceNumber: number
  reason: LaterDoubt
  by: number
  /** The newest fix whose mark has changed. */
  lastAt: Instant
}

function reasonOf({ flags }: StoredPoint, marks: number): LaterDoubt | null {
  if (marks & JUMP) return 'jump'
  if ((marks & ASIDE) === 0) return null
  return isRepaired(flags) ? 'said-twice' : 'coarse'
}

/** What changed marks change in the counts of their devices. */
export function recountsOf(changed: readonly { point: StoredPoint; marks: number }[]): Recount[] {
  const counts = new Map<string, Recount>()
  const count = (point: StoredPoint, reason: LaterDoubt | null, by: number) => {
    if (reason === null) return
    const key = `${point.deviceNumber} ${reason}`
    const one = counts.get(key) ?? { deviceNumber: point.deviceNumber, reason, by: 0, lastAt: point.fixAt }
    one.by += by
    one.lastAt = Math.max(one.lastAt, point.fixAt)
    counts.set(key, one)
  }
  for (const { point, marks } of changed) {
    count(point, reasonOf(point, point.marks), -1)
    count(point, reasonOf(point, marks), 1)
  }
  return [...counts.values()].filter(({ by }) => by !== 0)
}

/** Adds them to what is counted on arrival (server/ingest/status.ts), in the order in which that writes. */
export async function writeRecounts(tx: Db, recounts: readonly Recount[]): Promise<void> {
  if (recounts.length === 0) return
  const values = [
    recounts.map(({ deviceNumber }) => deviceNumber),
    recounts.map(({ reason }) => reason),
    recounts.map(({ by }) => by),
    recounts.map(({ lastAt }) => new Date(lastAt)),
  ]
  await tx.query({
    name: 'recount-reasons',
    text: `insert into device_reasons as r (fleet_id, device_id, kind, reason, count, last_at)
      select d.fleet_id, d.id, 'doubtful', k.reason, sum(k.by) as by, max(k.last_at)
      from unnest($1::int4[], $2::text[], $3::int4[], $4::timestamptz[]) as k(number, reason, by, last_at)
      join devices d on d.number = k.number group by 1, 2, 4 order by 1, 2, 4
      on conflict (fleet_id, device_id, kind, reason) do update set count = r.count + excluded.count,
        last_at = case when excluded.count > 0 then greatest(r.last_at, excluded.last_at) else r.last_at end`,
    values,
  })
  await tx.query({
    name: 'recount-devices',
    text: `with k as (select d.fleet_id, d.id, sum(k.by) as by
        from unnest($1::int4[], $2::int4[]) as k(number, by) join devices d on d.number = k.number group by 1, 2),
      locked as (select s.fleet_id, s.device_id, k.by from device_status s
        join k on k.fleet_id = s.fleet_id and k.id = s.device_id order by 1, 2 for update of s)
      update device_status s set doubtful = greatest(0, s.doubtful + l.by) from locked l
      where s.fleet_id = l.fleet_id and s.device_id = l.device_id`,
    values: [values[0], values[2]],
  })
}
