import type { Ahead } from '../north-america/gauge.ts'
import { BERTH, REST } from '../north-america/timeline.ts'
import { WindowGauge } from '../north-america/window.ts'

/**
 * Time that passes from the first on-duty minute after the calculation point, less the one run in the berth that a pair
 * leaves out: SOR/2005-313 s. 13(3), 18(2).
 */
export class ShiftWindowGauge extends WindowGauge {
  override ahead(levelMs: number): Ahead {
    const { line } = this
    // Only the berth is left out: a driver who leaves it at the very instant asked about lets the window run on.
    const leftBerth = line.present === REST && line.count > 0 && line.kind[line.count - 1] === BERTH
    if (!leftBerth || levelMs <= 0 || levelMs === this.limitMs) return super.ahead(levelMs)
    const runsOutAt = line.at[line.count]! + levelMs
    const rested = this.resting.restedAt
    return { running: true, runsOutAt: rested !== null && rested <= runsOutAt ? null : runsOutAt }
  }
}
