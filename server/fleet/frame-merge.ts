import { emptyFrame, type PositionFrame } from '../geo/frame.ts'
import type { LiveFrame } from './live-schema.ts'

function mergePositions(older: PositionFrame, newer: PositionFrame): PositionFrame {
  const renewed = new Set(newer.vehicleId)
  const merged = emptyFrame()
  const columns = Object.keys(merged) as (keyof PositionFrame)[]
  older.vehicleId.forEach((id, i) => {
    if (!renewed.has(id)) for (const column of columns) merged[column].push(older[column][i]!)
  })
  for (const column of columns) merged[column] = merged[column].concat(newer[column])
  return merged
}

function mergeRows<T>(
  older: T[] | undefined,
  newer: T[] | undefined,
  id: (row: T) => number,
): T[] | undefined {
  if (!older || !newer) return newer ?? older
  const renewed = new Set(newer.map(id))
  return [...older.filter((row) => !renewed.has(id(row))), ...newer]
}

/** Two frames that a slow watcher has not taken yet, as one: the newest of each vehicle, driver and alert. */
export function mergeFrames(older: LiveFrame, newer: LiveFrame): LiveFrame {
  if (newer.snapshot) return newer
  return {
    snapshot: older.snapshot,
    serverTime: newer.serverTime,
    positions:
      older.positions && newer.positions
        ? mergePositions(older.positions, newer.positions)
        : (newer.positions ?? older.positions),
    drivers: mergeRows(older.drivers, newer.drivers, (row) => row.driverId),
    alerts: mergeRows(older.alerts, newer.alerts, (row) => row.id),
  }
}
