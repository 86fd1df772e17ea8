import { VehicleState } from '../geo/frame.ts'
import type { DutyStatus } from '../hos/types.ts'
import { type Instant, MINUTE } from '../time/instant.ts'

const AT_WORK: ReadonlySet<DutyStatus> = new Set(['D', 'ON', 'YM', 'DRIVE', 'WORK', 'POA'])

/** Is the driver working, at the wheel or beside it? Then a truck that says nothing is worth a question. */
export const isAtWork = (status: DutyStatus): boolean => AT_WORK.has(status)

export interface StateFacts {
  receivedAt: Instant
  speedKph: number | null
  /** null: the device does not say */
  ignition: boolean | null
  /** null: nobody is assigned */
  driverStatus: DutyStatus | null
}

/**
 * How the map shows a truck at `now`. A truck is silent when it was not heard for the fleet's time although somebody
 * works in it or it was moving; one that sleeps beside its resting driver is just parked.
 */
export function vehicleState(
  facts: StateFacts,
  fleet: { motionThresholdKph: number; silentAfterMinutes: number },
  now: Instant,
): VehicleState {
  const { driverStatus, ignition, speedKph } = facts
  const atWork = driverStatus !== null && isAtWork(driverStatus)
  const moving =
    speedKph === null ? driverStatus === 'D' || driverStatus === 'DRIVE' : speedKph > fleet.motionThresholdKph
  const parked = driverStatus === null ? ignition === false : !atWork
  if (now - facts.receivedAt > fleet.silentAfterMinutes * MINUTE) {
    return atWork || moving || !parked ? VehicleState.silent : VehicleState.off
  }
  if (moving) return VehicleState.moving
  return parked || ignition === false ? VehicleState.off : VehicleState.idle
}
