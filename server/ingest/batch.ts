import { type DevicePrincipal, isSigned } from '../auth/principal.ts'
import { fixMs, fixSecond } from '../db/fix-time.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
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
import { monthTable, Rows } from './rows.ts'

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

/** The positions of one request of one device, ready for the statement. */
export class Batch {
  readonly device: DevicePrincipal
  readonly receivedAt: Instant
  readonly rows: Rows
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
    this.rows = new Rows(expectedPoints)
    this.#evidence = isSigned(device.method) ? SIGNED : 0
  }

  get byteLength(): number {
    return this.rows.byteLength
  }

  add(point: Point): void {
    const { device, receivedAt } = this
    const fixAt = withoutRollover(point.fixAt, receivedAt)
    const judged = fixAt === point.fixAt ? point : { ...point, fixAt }
    let flags = point.flags | this.#evidence | doubtsOf(judged, receivedAt)
    if (point.ignition !== null) flags |= point.ignition ? IGNITION_KNOWN | IGNITION_ON : IGNITION_KNOWN
    if (judged !== point) {
      flags |= REPAIRED_ROLLOVER
      this.repaired++
    }
    const second = fixSecond(fixAt)
    this.rows.add(
      {
        receivedAt,
        fleetNumber: device.fleetNumber,
        deviceNumber: device.deviceNumber,
        fixSecond: second,
        digest: digestOf(point, judged !== point),
        latitudeE7: point.latitudeE7,
        longitudeE7: point.longitudeE7,
        speedCkph: point.speedCkph,
        odometerM: point.odometerM,
        fixMs: fixMs(fixAt),
        headingDeg: point.headingDeg,
        flags,
        altitudeM: point.altitudeM,
        accuracyDm: point.accuracyDm,
        engineSeconds: point.engineSeconds,
        sequence: point.sequence,
        sentAt: point.sentAt,
        attributes: point.attributes,
      },
      monthTable(second),
    )
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
