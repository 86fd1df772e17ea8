import { type DevicePrincipal, isSigned } from '../auth/principal.ts'
import { fixMs, fixSecond } from '../db/fix-time.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { Column } from './columns.ts'
import { type Digested, digestOf } from './digest.ts'
import {
  doubtsOf,
  IGNITION_KNOWN,
  IGNITION_ON,
  isTrusted,
  REPAIRED_ROLLOVER,
  SIGNED,
  withoutRollover,
} from './judge.ts'

/** A fix that is older than this when it arrives was kept somewhere. */
const LATE_MS = MINUTE

/** One position as it is stored: the device's words in the table's units. */
export interface Point extends Digested {
  sentAt: Instant | null
  /** What else is known of it: bits of judge.ts. */
  flags: number
}

/** So many positions of a batch are shown to an installer. */
const MOST_SHOWN = 5

/** What `positions` gets, in the order of the statement in receive.ts. */
const newColumns = (points: number) => ({
  receivedAt: new Column('timestamptz', points * 12),
  fleetNumber: new Column('int4', points * 8),
  deviceNumber: new Column('int4', points * 8),
  fixSecond: new Column('int4', points * 8),
  digest: new Column('int4', points * 8),
  latitudeE7: new Column('int4', points * 8),
  longitudeE7: new Column('int4', points * 8),
  speedCkph: new Column('int4', points * 8),
  odometerM: new Column('int4', points * 8),
  fixMs: new Column('int2', points * 6),
  headingDeg: new Column('int2', points * 6),
  flags: new Column('int2', points * 6),
  altitudeM: new Column('int2', points * 6),
  accuracyDm: new Column('int4', points * 8),
  engineSeconds: new Column('int4', points * 8),
  sequence: new Column('int8', points * 12),
  sentAt: new Column('timestamptz', points * 4),
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
  latest: Point | null = null
  /** The earliest trusted fix: from there on the vehicle's driving is derived again. */
  earliestAt: Instant | null = null
  /** How many are kept as evidence only. */
  doubtful = 0
  /** The flags of those. */
  readonly doubts: number[] = []
  /** How many fixes were a rollover of the GPS week back, and have been moved. */
  repaired = 0
  /** How many had waited in the device: a backlog. */
  late = 0
  /** Bits of judge.ts that all of them carry. */
  readonly #evidence: number
  /** The first few, with the flags that they are stored with. */
  readonly shown: Point[] = []
  readonly shownFlags: number[] = []

  constructor(device: DevicePrincipal, receivedAt: Instant, expectedPoints: number) {
    this.device = device
    this.receivedAt = receivedAt
    this.columns = newColumns(expectedPoints)
    this.#evidence = isSigned(device.method) ? SIGNED : 0
  }

  get byteLength(): number {
    let bytes = 0
    for (const column of Object.values(this.columns)) bytes += column.byteLength
    return bytes
  }

  add(point: Point): void {
    const { columns, device, receivedAt } = this
    const fixAt = withoutRollover(point.fixAt, receivedAt)
    const judged = fixAt === point.fixAt ? point : { ...point, fixAt }
    let flags = point.flags | this.#evidence | doubtsOf(judged, receivedAt)
    if (point.ignition !== null) flags |= point.ignition ? IGNITION_KNOWN | IGNITION_ON : IGNITION_KNOWN
    if (judged !== point) {
      flags |= REPAIRED_ROLLOVER
      this.repaired++
    }
    columns.receivedAt.timestamptz(receivedAt)
    columns.fleetNumber.int4(device.fleetNumber)
    columns.deviceNumber.int4(device.deviceNumber)
    columns.fixSecond.int4(fixSecond(fixAt))
    columns.digest.int4(digestOf(point, judged !== point))
    columns.latitudeE7.int4(point.latitudeE7)
    columns.longitudeE7.int4(point.longitudeE7)
    columns.speedCkph.int4(point.speedCkph)
    columns.odometerM.int4(point.odometerM)
    columns.fixMs.int2(fixMs(fixAt))
    columns.headingDeg.int2(point.headingDeg)
    columns.flags.int2(flags)
    columns.altitudeM.int2(point.altitudeM)
    columns.accuracyDm.int4(point.accuracyDm)
    columns.engineSeconds.int4(point.engineSeconds)
    columns.sequence.int8(point.sequence)
    columns.sentAt.timestamptz(point.sentAt)
    columns.attributes.jsonb(point.attributes)
    this.size++
    if (this.shown.length < MOST_SHOWN) {
      this.shown.push(judged)
      this.shownFlags.push(flags)
    }
    if (fixAt < receivedAt - LATE_MS) this.late++
    if (!isTrusted(flags)) {
      this.doubtful++
      this.doubts.push(flags)
      return
    }
    if (this.latest === null || fixAt >= this.latest.fixAt) this.latest = { ...point, fixAt, flags }
    if (this.earliestAt === null || fixAt < this.earliestAt) this.earliestAt = fixAt
  }
}
