'use client'
import { useMemo } from 'react'
import type { VehicleRow } from '../../server/fleet/schema.ts'
import { VehicleState } from '../../server/geo/frame.ts'
import type { DriverRow } from '../../server/logs/schema.ts'
import type { Instant } from '../../server/time/instant.ts'
import { useLive, useLiveValue, useSlowNow } from '../live/live.tsx'
import type { LiveStore } from '../live/store.ts'
import { type ClockReading, compareReadings, readClocks, tightestOf } from '../logs/clocks.ts'

export const SHOW = ['all', 'attention', 'moving', 'duty', 'resting'] as const
export type Show = (typeof SHOW)[number]

export interface TruckRow {
  id: number
  unitNumber: string
  driverName: string
  driver: DriverRow | null
  /** The clock that stops the driver first; null while nobody works. */
  tightest: ClockReading | null
  state: VehicleState | null
  /** Needs somebody: a limit near or passed, or silence. */
  attention: boolean
}

const RESTING = new Set(['OFF', 'SB', 'PC', 'REST', 'FERRY'])

function toRow(store: LiveStore, { id, unitNumber, driverName }: VehicleRow, now: Instant): TruckRow {
  const driver = store.driverOf.get(id) ?? null
  const index = store.trucks.indexOf(id)
  const state = index < 0 ? null : store.trucks.at(index).state
  const working = driver !== null && !RESTING.has(driver.status)
  const tightest = driver && working ? tightestOf(readClocks(driver, now)) : null
  const near = tightest !== null && tightest.level !== 'fine' && tightest.level !== 'still'
  return {
    id,
    unitNumber,
    driverName: driver?.name ?? driverName ?? 'No driver',
    driver,
    tightest,
    state,
    attention: near || state === VehicleState.silent,
  }
}

function belongs(row: TruckRow, show: Show): boolean {
  if (show === 'attention') return row.attention
  if (show === 'moving') return row.state === VehicleState.moving
  if (show === 'duty') return row.driver !== null && !RESTING.has(row.driver.status)
  return show === 'all' || (row.driver !== null && RESTING.has(row.driver.status))
}

const byUnit = new Intl.Collator('en', { numeric: true })

/** Those who need somebody first, then those at work by what is left, then the rest by unit number. */
function compareRows(a: TruckRow, b: TruckRow): number {
  if (a.attention !== b.attention) return a.attention ? -1 : 1
  if (a.tightest && b.tightest)
    return compareReadings(a.tightest, b.tightest) || byUnit.compare(a.unitNumber, b.unitNumber)
  if (a.tightest || b.tightest) return a.tightest ? -1 : 1
  return byUnit.compare(a.unitNumber, b.unitNumber)
}

/** The fleet's trucks as the list shows them, renewed every five seconds and whenever a driver's clocks change. */
export function useTruckRows(
  query: string,
  show: Show,
): { rows: TruckRow[]; counts: Record<Show, number>; ready: boolean } {
  const live = useLive()
  const vehicles = useLiveValue((store) => store.vehicles)
  const driverOf = useLiveValue((store) => store.driverOf)
  const ready = useLiveValue((store) => store.ready && store.vehicles.size > 0)
  const empty = useLiveValue((store) => store.ready && store.trucks.count === 0)
  const now = useSlowNow()
  const all = useMemo(() => {
    // What the store holds beside these is read as it is; they say when to look.
    void driverOf
    return [...vehicles.values()].map((vehicle) => toRow(live, vehicle, now)).sort(compareRows)
  }, [live, vehicles, driverOf, now])
  return useMemo(() => {
    const counts = Object.fromEntries(
      SHOW.map((one) => [one, all.reduce((sum, row) => sum + Number(belongs(row, one)), 0)]),
    ) as Record<Show, number>
    const wanted = query.trim().toLowerCase()
    const rows = all.filter(
      (row) =>
        belongs(row, show) &&
        (wanted === '' || `${row.unitNumber} ${row.driverName}`.toLowerCase().includes(wanted)),
    )
    return { rows, counts, ready: ready || empty }
  }, [all, query, show, ready, empty])
}
