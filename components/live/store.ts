import type { AlertRow } from '../../server/alerts/schema.ts'
import type { LiveFrame } from '../../server/fleet/live-schema.ts'
import type { VehicleRow } from '../../server/fleet/schema.ts'
import type { DriverRow } from '../../server/logs/schema.ts'
import type { Instant } from '../../server/time/instant.ts'
import { driverLevel } from '../logs/clocks.ts'
import { AlertLevel, TruckStore } from '../map/truckStore.ts'

export type Phase = 'connecting' | 'live' | 'reconnecting' | 'offline'

export interface Connection {
  phase: Phase
  /** When anything was last heard, by this machine's clock. */
  heardAt: number
  /** How much later than the quickest frame the last one came. */
  lagMs: number
}

/** How near a limit, as the map draws it. */
const MAP_LEVEL = {
  passed: AlertLevel.violation,
  close: AlertLevel.warning,
  soon: AlertLevel.warning,
  fine: AlertLevel.none,
  still: AlertLevel.none,
} as const

/**
 * What the one live stream has told, outside React. Positions go straight to the truck store's columns; drivers and
 * alerts are maps that are replaced when they change, so a reader compares by identity.
 */
export class LiveStore {
  readonly trucks = new TruckStore()
  drivers: ReadonlyMap<number, DriverRow> = new Map()
  /** Open and acknowledged ones. */
  alerts: ReadonlyMap<number, AlertRow> = new Map()
  vehicles: ReadonlyMap<number, VehicleRow> = new Map()
  /** The driver in each truck. */
  driverOf: ReadonlyMap<number, DriverRow> = new Map()
  connection: Connection = { phase: 'connecting', heardAt: 0, lagMs: 0 }
  /** Has a first frame arrived? */
  ready = false
  /** The cursor of the last frame, to resume from. */
  cursor: string | null = null

  readonly #listeners = new Set<() => void>()
  readonly #newAlerts = new Set<(alerts: AlertRow[]) => void>()
  /** Server's clock minus ours, from the frame that was quickest. */
  #skewMs: number | null = null

  /** The server's time: a laptop with a wrong clock still shows right countdowns. */
  now(): Instant {
    return Date.now() + (this.#skewMs ?? 0)
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Tells of alerts that opened since the page did. */
  onNewAlerts(listener: (alerts: AlertRow[]) => void): () => void {
    this.#newAlerts.add(listener)
    return () => this.#newAlerts.delete(listener)
  }

  apply(frame: LiveFrame, cursor: string | null): void {
    const skew = frame.serverTime - Date.now()
    if (this.#skewMs === null || skew > this.#skewMs) this.#skewMs = skew
    const first = !this.ready
    this.ready = true
    this.cursor = cursor ?? this.cursor
    if (frame.positions) {
      if (frame.snapshot) this.trucks.applySnapshot(frame.positions)
      else this.trucks.applyFrame(frame.positions)
    }
    if (frame.drivers) this.#applyDrivers(frame.drivers, frame.snapshot)
    if (frame.alerts) this.#applyAlerts(frame.alerts, frame.snapshot, first)
    this.connection = { phase: 'live', heardAt: Date.now(), lagMs: this.#skewMs - skew }
    this.#publish()
  }

  /** Something came, if only a sign of life. */
  heard(): void {
    this.connection = { ...this.connection, phase: 'live', heardAt: Date.now() }
    this.#publish()
  }

  setPhase(phase: Phase): void {
    if (phase === this.connection.phase) return
    this.connection = { ...this.connection, phase }
    this.#publish()
  }

  setVehicles(rows: readonly VehicleRow[]): void {
    this.vehicles = new Map(rows.map((row) => [row.id, row]))
    this.trucks.setLabels(
      rows.map(({ id }) => id),
      rows.map(({ unitNumber }) => unitNumber),
    )
    this.#publish()
  }

  /** An alert as a person just changed it, ahead of the stream. */
  putAlert(row: AlertRow): void {
    this.#applyAlerts([row], false, true)
    this.#publish()
  }

  /** A driver as a person just changed it, ahead of the stream. */
  putDriver(row: DriverRow): void {
    this.#applyDrivers([row], false)
    this.#publish()
  }

  /** Levels pass by time alone too: called now and then. */
  refreshLevels(): void {
    this.#setLevels([...this.driverOf.entries()])
  }

  #applyDrivers(rows: readonly DriverRow[], snapshot: boolean): void {
    const drivers = new Map(snapshot ? [] : this.drivers)
    const driverOf = new Map(snapshot ? [] : this.driverOf)
    for (const row of rows) {
      const before = drivers.get(row.driverId)
      if (before && before.evaluatedAt > row.evaluatedAt) continue
      if (before?.vehicleId && driverOf.get(before.vehicleId)?.driverId === row.driverId)
        driverOf.delete(before.vehicleId)
      drivers.set(row.driverId, row)
      if (row.vehicleId !== null) driverOf.set(row.vehicleId, row)
    }
    this.drivers = drivers
    this.driverOf = driverOf
    this.#setLevels(rows.flatMap((row) => (row.vehicleId === null ? [] : [[row.vehicleId, row] as const])))
  }

  #setLevels(pairs: readonly (readonly [number, DriverRow])[]): void {
    const now = this.now()
    this.trucks.setLevels(
      pairs.map(([vehicleId]) => vehicleId),
      pairs.map(([, row]) => MAP_LEVEL[driverLevel(row, now)]),
    )
  }

  #applyAlerts(rows: readonly AlertRow[], snapshot: boolean, quiet: boolean): void {
    const known = this.alerts
    const alerts = new Map(snapshot ? [] : known)
    for (const row of rows) {
      if (row.state === 'resolved') alerts.delete(row.id)
      else alerts.set(row.id, row)
    }
    this.alerts = alerts
    const opened = quiet ? [] : rows.filter((row) => row.state === 'open' && !known.has(row.id))
    if (opened.length > 0) for (const listener of this.#newAlerts) listener(opened)
  }

  #publish(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** How many alerts wait for somebody. */
export function countOpen(alerts: ReadonlyMap<number, AlertRow>): number {
  let count = 0
  for (const { state } of alerts.values()) if (state === 'open') count++
  return count
}
