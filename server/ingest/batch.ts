import type { DevicePrincipal } from '../auth/principal.ts'
import type { Instant } from '../time/instant.ts'
import { Column } from './columns.ts'
import { type Digested, digestOf } from './digest.ts'
import { doubtsOf, IGNITION_KNOWN, IGNITION_ON, isTrusted } from './judge.ts'

/** One position as it is stored: the device's words in the table's units. */
export interface Point extends Digested {
  fixAt: Instant
}

/** What `positions` gets, in the order of the statement in receive.ts. */
const newColumns = (points: number) => ({
  fleetId: new Column('int8', points * 12),
  deviceId: new Column('int8', points * 12),
  fixAt: new Column('timestamptz', points * 12),
  digest: new Column('int4', points * 8),
  receivedAt: new Column('timestamptz', points * 12),
  latitudeE7: new Column('int4', points * 8),
  longitudeE7: new Column('int4', points * 8),
  odometerM: new Column('int4', points * 8),
  engineSeconds: new Column('int4', points * 8),
  speedDkph: new Column('int2', points * 6),
  headingDeg: new Column('int2', points * 6),
  altitudeM: new Column('int2', points * 6),
  accuracyDm: new Column('int4', points * 8),
  flags: new Column('int2', points * 6),
  sequence: new Column('int8', points * 12),
  attributes: new Column('jsonb', points * 4),
})
export type Columns = ReturnType<typeof newColumns>

/** The positions of one request of one device, ready for the statement. */
export class Batch {
  readonly device: DevicePrincipal
  readonly receivedAt: Instant
  readonly columns: Columns
  size = 0
  /** The newest trusted position; it may become the vehicle's latest. */
  latest: (Point & { flags: number }) | null = null
  /** The earliest trusted fix: from there on the vehicle's driving is derived again. */
  earliestAt: Instant | null = null

  constructor(device: DevicePrincipal, receivedAt: Instant, expectedPoints: number) {
    this.device = device
    this.receivedAt = receivedAt
    this.columns = newColumns(expectedPoints)
  }

  get byteLength(): number {
    let bytes = 0
    for (const column of Object.values(this.columns)) bytes += column.byteLength
    return bytes
  }

  add(point: Point): void {
    const { columns, device, receivedAt } = this
    const said = point.ignition === null ? 0 : point.ignition ? IGNITION_KNOWN | IGNITION_ON : IGNITION_KNOWN
    const flags = said | doubtsOf(point, receivedAt)
    columns.fleetId.int8(device.fleetId)
    columns.deviceId.int8(device.deviceId)
    columns.fixAt.timestamptz(point.fixAt)
    columns.digest.int4(digestOf(point))
    columns.receivedAt.timestamptz(receivedAt)
    columns.latitudeE7.int4(point.latitudeE7)
    columns.longitudeE7.int4(point.longitudeE7)
    columns.odometerM.int4(point.odometerM)
    columns.engineSeconds.int4(point.engineSeconds)
    columns.speedDkph.int2(point.speedDkph)
    columns.headingDeg.int2(point.headingDeg)
    columns.altitudeM.int2(point.altitudeM)
    columns.accuracyDm.int4(point.accuracyDm)
    columns.flags.int2(flags)
    columns.sequence.int8(point.sequence)
    columns.attributes.jsonb(point.attributes)
    this.size++
    if (!isTrusted(flags)) return
    if (this.latest === null || point.fixAt >= this.latest.fixAt) this.latest = { ...point, flags }
    if (this.earliestAt === null || point.fixAt < this.earliestAt) this.earliestAt = point.fixAt
  }
}
