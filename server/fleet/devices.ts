import { type AuditEntry, recordAudit } from '../audit/record.ts'
import { enrolDevices, renewToken, revokeDevice } from '../auth/device.ts'
import { fixInstant, fixSecond } from '../db/fix-time.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { DAY, type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { tellDevices } from './device-news.ts'
import type {
  DeviceDetail,
  DeviceList,
  DeviceMessage,
  DeviceRow,
  DeviceSignal,
  EnrolInput,
  Enrolled,
  ReasonRow,
  UnknownRow,
} from './devices-schema.ts'
import { getFleet } from './fleets.ts'

/** What devices did is written some seconds behind: a reader of changes looks back so far. */
const WRITTEN_WITHIN_MS = 15 * SECOND
const UNKNOWN_FOR_MS = 7 * DAY
const MOST_UNKNOWN = 200
const BUCKET_SECONDS = 300
/** Bits of `positions.flags` from here on are doubts (server/ingest/judge.ts). */
const DOUBTS = 0x7f00

const DEVICE = `d.id, d.name, d.vehicle_id as "vehicleId", d.protocol, d.identity, d.open, d.created_at as "createdAt",
  d.revoked_at as "revokedAt"`
const STATUS = `s.seen_at as "seenAt", s.valid_at as "validAt", s.doubtful_at as "doubtfulAt", s.doubt,
  s.refused_at as "refusedAt", s.refusal, s.clock_offset_ms as "clockOffsetMs"`

type StatusOfDevice = Pick<
  DeviceRow,
  'seenAt' | 'validAt' | 'doubtfulAt' | 'doubt' | 'refusedAt' | 'refusal' | 'clockOffsetMs'
>
const NEVER_HEARD: StatusOfDevice = {
  seenAt: null,
  validAt: null,
  doubtfulAt: null,
  doubt: null,
  refusedAt: null,
  refusal: null,
  clockOffsetMs: null,
}

/** Who does it, when and from where. */
type Deed = Pick<AuditEntry, 'fleetId' | 'actor' | 'at' | 'source'>

const noSuchDevice = () => new AppError('not-found', 'There is no such device in this fleet.', 'id')

/**
 * Every device of the fleet; with `since`, those that were heard, enrolled or revoked from then on. Its parts are read one by one
 * and put together here: of a fleet that has just grown PostgreSQL believes that it has a row or two, and would hold each row of
 * one table against each of the other (ten thousand devices: more than a minute).
 */
export async function listDevices(
  db: Db,
  fleetId: number,
  since: Instant | undefined,
  now: Instant,
): Promise<DeviceList> {
  const { silentAfterMinutes } = await getFleet(db, fleetId)
  const from = since === undefined ? null : new Date(since - WRITTEN_WITHIN_MS)
  const statuses = await statusesOf(db, fleetId, from, null)
  const { rows: devices } = await db.query<Omit<DeviceRow, keyof StatusOfDevice | 'unitNumber'>>(
    `select ${DEVICE} from devices d
     where d.fleet_id = $1 and ($2::timestamptz is null or $2 <= d.created_at or $2 <= d.revoked_at or d.id = any($3::bigint[]))
     order by d.id`,
    [fleetId, from, from === null ? [] : [...statuses.keys()]],
  )
  const quiet = from === null ? [] : devices.filter(({ id }) => !statuses.has(id))
  if (quiet.length > 0)
    for (const [id, status] of await statusesOf(
      db,
      fleetId,
      null,
      quiet.map((one) => one.id),
    ))
      statuses.set(id, status)
  const vehicles = await db.query<{ id: number; unitNumber: string }>(
    `select id, unit_number as "unitNumber" from vehicles
     where fleet_id = $1 and ($2::bigint[] is null or id = any($2))`,
    [fleetId, from === null ? null : devices.map(({ vehicleId }) => vehicleId)],
  )
  const units = new Map(vehicles.rows.map(({ id, unitNumber }) => [id, unitNumber]))
  return {
    serverTime: now,
    silentAfterMinutes,
    rows: devices.map((device) => ({
      ...device,
      unitNumber: units.get(device.vehicleId)!,
      ...(statuses.get(device.id) ?? NEVER_HEARD),
    })),
  }
}

/** What devices did, by id; of those that were heard from an instant on, or of some. */
async function statusesOf(
  db: Db,
  fleetId: number,
  from: Date | null,
  ids: readonly number[] | null,
): Promise<Map<number, StatusOfDevice>> {
  const { rows } = await db.query<StatusOfDevice & { id: number }>(
    `select s.device_id as id, ${STATUS} from device_status s
     where s.fleet_id = $1 and ($2::timestamptz is null or $2 <= s.seen_at) and ($3::bigint[] is null or s.device_id = any($3))`,
    [fleetId, from, ids],
  )
  return new Map(rows.map(({ id, ...status }) => [id, status]))
}

/** One device with what it did. @throws AppError not-found for one of another fleet */
export async function getDevice(db: Db, fleetId: number, id: number): Promise<DeviceDetail> {
  const { silentAfterMinutes } = await getFleet(db, fleetId)
  const { rows } = await db.query<Omit<DeviceDetail, 'silentAfterMinutes' | 'reasons' | 'messages'>>(
    `select ${DEVICE}, v.unit_number as "unitNumber", ${STATUS}, s.address, coalesce(s.received, 0) as received, coalesce(s.stored, 0) as stored,
       coalesce(s.duplicates, 0) as duplicates, coalesce(s.refused, 0) as refused, coalesce(s.doubtful, 0) as doubtful,
       s.acknowledged_in_ms as "acknowledgedInMs"
     from devices d
     join vehicles v on v.fleet_id = d.fleet_id and v.id = d.vehicle_id
     left join device_status s on s.fleet_id = d.fleet_id and s.device_id = d.id
     where d.fleet_id = $1 and d.id = $2`,
    [fleetId, id],
  )
  const [device] = rows
  if (!device) throw noSuchDevice()
  const reasons = await db.query<ReasonRow>(
    `select kind, reason, count, last_at as "lastAt" from device_reasons where fleet_id = $1 and device_id = $2 and count > 0
     order by count desc, reason`,
    [fleetId, id],
  )
  return {
    ...device,
    silentAfterMinutes,
    reasons: reasons.rows,
    messages: await listMessages(db, fleetId, id, 0),
  }
}

/** The messages of a device that are kept, from a message's id on, the newest first. */
export async function listMessages(
  db: Db,
  fleetId: number,
  deviceId: number,
  after: number,
): Promise<DeviceMessage[]> {
  const { rows } = await db.query<DeviceMessage>(
    `select id, received_at as "receivedAt", protocol, address, raw, raw_bytes as "rawBytes", received, stored, duplicates,
       refusal, readings, acknowledged_in_ms as "acknowledgedInMs"
     from device_messages where fleet_id = $1 and device_id = $2 and id > $3 order by id desc limit 20`,
    [fleetId, deviceId, after],
  )
  return rows
}

/** The number that names a device in `positions`. @throws AppError not-found for one of another fleet */
export async function deviceNumberOf(db: Db, fleetId: number, id: number): Promise<number> {
  const { rows } = await db.query<{ number: number }>(
    'select number from devices where fleet_id = $1 and id = $2',
    [fleetId, id],
  )
  if (!rows[0]) throw noSuchDevice()
  return rows[0].number
}

/**
 * When a device was heard in the day before `now`, by the times of its fixes, so that a backlog fills what it was kept for.
 * @throws AppError not-found for one of another fleet
 */
export async function getSignal(db: Db, fleetId: number, id: number, now: Instant): Promise<DeviceSignal> {
  const number = await deviceNumberOf(db, fleetId, id)
  const { silentAfterMinutes } = await getFleet(db, fleetId)
  const last = Math.floor(fixSecond(now) / BUCKET_SECONDS) * BUCKET_SECONDS + BUCKET_SECONDS
  const first = last - DAY / SECOND
  const range = [number, first, last]
  const { rows } = await db.query<{ bucket: number; counted: number; doubtful: number }>(
    `select (fix_second - $2) / ${BUCKET_SECONDS} as bucket, count(*) filter (where flags & ${DOUBTS} = 0) as counted,
       count(*) filter (where flags & ${DOUBTS} <> 0) as doubtful
     from positions where device_number = $1 and fix_second >= $2 and fix_second < $3 group by 1`,
    range,
  )
  const gaps = await db.query<{ first: number; second: number }>(
    `select before as first, fix_second as second from (
       select fix_second, lag(fix_second) over (order by fix_second) as before
       from positions where device_number = $1 and fix_second >= $2 and fix_second < $3) p
     where fix_second - before > $4 order by fix_second - before desc limit 20`,
    [...range, (silentAfterMinutes * MINUTE) / SECOND],
  )
  const signal: DeviceSignal = {
    from: fixInstant(first, 0),
    until: fixInstant(last, 0),
    counted: Array<number>((last - first) / BUCKET_SECONDS).fill(0),
    doubtful: Array<number>((last - first) / BUCKET_SECONDS).fill(0),
    gaps: gaps.rows.map((gap) => ({ from: fixInstant(gap.first, 0), until: fixInstant(gap.second, 0) })),
  }
  for (const { bucket, counted, doubtful } of rows) {
    signal.counted[bucket] = counted
    signal.doubtful[bucket] = doubtful
  }
  return signal
}

/**
 * Who knocked in the last week and may not report. An identity belongs to nobody, and a fleet must not see whom another one
 * installs: where several fleets share the server, one sees who knocked from an address that its own devices use, whom it
 * asks for by the whole identity, and its own devices that lack their token.
 */
export async function listUnknown(
  db: Db,
  fleetId: number,
  identity: string | undefined,
  now: Instant,
): Promise<UnknownRow[]> {
  const { rows } = await db.query<UnknownRow>(
    `select u.protocol, u.identity, u.address, u.reason, u.first_seen_at as "firstSeenAt", u.seen_at as "seenAt", u.attempts,
       d.id as "deviceId"
     from unknown_devices u
     left join devices d on d.protocol = u.protocol and d.identity = u.identity
     where u.seen_at >= $2 and (d.fleet_id = $1 or d.fleet_id is null and (
       u.identity = $3 or not exists (select from fleets where id <> $1)
       or u.address in (select s.address from device_status s where s.fleet_id = $1)))
     order by u.seen_at desc limit ${MOST_UNKNOWN}`,
    [fleetId, new Date(now - UNKNOWN_FOR_MS), identity ?? null],
  )
  return rows
}

/**
 * Gives a vehicle a device. Where its protocol can carry the token it must.
 * @throws AppError not-found for a vehicle of another fleet; conflict for a name or an identity that is taken
 */
export async function enrolDevice(
  tx: Db,
  deed: Deed,
  { vehicleId, name, protocol, identity, open }: Required<EnrolInput>,
): Promise<Enrolled> {
  const { fleetId } = deed
  const vehicle = await tx.query('select from vehicles where fleet_id = $1 and id = $2', [fleetId, vehicleId])
  if (vehicle.rowCount === 0)
    throw new AppError('not-found', 'There is no such vehicle in this fleet.', 'vehicleId')
  const said = identity === '' ? {} : { identity }
  const [enrolled] = await enrolDevices(tx, fleetId, [
    // A tracker can hold no token, and a broker hands none on.
    { vehicleId, name, protocol, ...said, open: open || protocol === 'teltonika' || protocol === 'mqtt' },
  ])
  if (identity !== '')
    await tx.query('delete from unknown_devices where protocol = $1 and identity = $2', [protocol, identity])
  await tellDevices(tx, { kind: 'list' })
  const { id, token } = enrolled!
  await recordAudit(tx, {
    ...deed,
    action: 'device.enrolled',
    object: { kind: 'device', id },
    after: { name, vehicleId, protocol, identity, open },
  })
  return { id, token }
}

/** A new token for a device; the old one ends, a revoked device may report again. @throws AppError not-found */
export async function giveToken(tx: Db, deed: Deed, id: number): Promise<Enrolled> {
  const token = await renewToken(tx, deed.fleetId, id)
  if (token === undefined) throw noSuchDevice()
  await tellDevices(tx, { kind: 'list' })
  await recordAudit(tx, { ...deed, action: 'device.token-renewed', object: { kind: 'device', id } })
  return { id, token }
}

/**
 * Ends a device's right to report. Its identity is free for another device then: trackers are moved between trucks.
 * @throws AppError not-found
 */
export async function endDevice(tx: Db, deed: Deed, id: number): Promise<void> {
  const { fleetId } = deed
  const { rows } = await tx.query<{ name: string; identity: string | null }>(
    'select name, identity from devices where fleet_id = $1 and id = $2 for update',
    [fleetId, id],
  )
  const [before] = rows
  if (!before) throw noSuchDevice()
  await revokeDevice(tx, fleetId, id)
  await tx.query('update devices set identity = null where fleet_id = $1 and id = $2', [fleetId, id])
  await tellDevices(tx, { kind: 'list' })
  await recordAudit(tx, { ...deed, action: 'device.revoked', object: { kind: 'device', id }, before })
}
