import type { Db } from '../db/pool.ts'
import type { RulesetId } from '../hos/types.ts'
import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import type { DriverKey } from './drivers.ts'
import { type DrivingStretch, type LogEntry, mergeLog, type SetEvent } from './events.ts'
import { PRESUMED_MS } from './motion.ts'

/** No stretch of driving is longer; it bounds how far before the period spans are looked for. */
const LONGEST_SPAN_MS = 4 * DAY

/**
 * How far back a ruleset looks: its longest cycle twice, so that every verdict about one cycle knows the cycle before it,
 * and a little more for the rest that opens it.
 */
export function horizonMs(ruleset: RulesetId): number {
  if (ruleset === 'eu-561') return 43 * DAY
  // The longest reference period of the directive, and the week that opens it.
  if (ruleset === 'eu-wtd') return 27 * 7 * DAY
  return (ruleset.startsWith('ca-') ? 30 : 17) * DAY
}

export interface LogRequest extends DriverKey {
  from: Instant
  /** Nothing that begins later is read. */
  until: Instant
}

/**
 * The merged logs of many drivers in two queries, in the order of the requests. Each begins with the status that held
 * at its `from`.
 */
export async function loadLogs(db: Db, requests: readonly LogRequest[]): Promise<LogEntry[][]> {
  if (requests.length === 0) return []
  const keys = [
    requests.map((request) => request.fleetId),
    requests.map((request) => request.driverId),
    requests.map((request) => new Date(request.from)),
    requests.map((request) => new Date(request.until)),
  ]
  const wanted = `unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
    with ordinality as k(fleet_id, driver_id, from_at, until_at, i)`
  const columns = `e.id, e.at, e.status, e.origin, e.vehicle_id as "vehicleId", e.place, e.annotation,
    e.recorded_by as "recordedBy"`
  const set = await db.query<SetEvent & { i: number }>(
    `select k.i, e.* from ${wanted} cross join lateral (
       (select ${columns} from duty_events e
        where e.fleet_id = k.fleet_id and e.driver_id = k.driver_id and e.at >= k.from_at and e.at <= k.until_at)
       union all
       (select ${columns} from duty_events e
        where e.fleet_id = k.fleet_id and e.driver_id = k.driver_id and e.at < k.from_at
        order by e.at desc, e.id desc limit 1)) e`,
    keys,
  )
  const driving = await db.query<DrivingStretch & { i: number }>(
    `select k.i, s.vehicle_id as "vehicleId", greatest(s.from_at, a.from_at) as "from",
       least(coalesce(s.until_at, s.last_motion_at + interval '${PRESUMED_MS / MINUTE} minutes'), a.until_at) as "until"
     from ${wanted}
     join driver_assignments a on a.fleet_id = k.fleet_id and a.driver_id = k.driver_id
       and a.from_at <= k.until_at and (a.until_at is null or a.until_at > k.from_at)
     join driving_spans s on s.fleet_id = a.fleet_id and s.vehicle_id = a.vehicle_id
       and s.from_at >= k.from_at - interval '${LONGEST_SPAN_MS / DAY} days' and s.from_at <= k.until_at
       and (a.until_at is null or s.from_at < a.until_at)
       and coalesce(s.until_at, s.last_motion_at + interval '${PRESUMED_MS / MINUTE} minutes')
         > greatest(a.from_at, k.from_at)`,
    keys,
  )
  const events = requests.map((): SetEvent[] => [])
  const stretches = requests.map((): DrivingStretch[] => [])
  for (const { i, ...event } of set.rows) events[i - 1]!.push(event)
  for (const { i, ...stretch } of driving.rows) stretches[i - 1]!.push(stretch)
  return requests.map(({ from }, i) => {
    const log = mergeLog(events[i]!, stretches[i]!)
    // What began before `from` matters only by what it left behind.
    let first = 0
    while (first + 1 < log.length && log[first + 1]!.at <= from) first++
    return log.slice(first)
  })
}
