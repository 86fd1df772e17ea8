import { type CycleGauge, cycleGauge } from '../north-america/cycle.ts'
import { type Gauge, STANDING } from '../north-america/gauge.ts'
import { DRIVING, ON_DUTY, type Timeline } from '../north-america/timeline.ts'
import type { HosOptions } from '../types.ts'
import type { UnitedStatesLaw } from './limits.ts'

/**
 * 49 CFR 395.1(c): the hours of 395.3(b) do not apply to a driver-salesperson who drives no more than 40 h in any 7
 * consecutive days. So either will do, and the clock is the larger of the two.
 */
export function salespersonGauge(
  line: Timeline,
  cycle: CycleGauge,
  { limit, days }: NonNullable<UnitedStatesLaw['salesperson']>,
  options: HosOptions,
): Gauge {
  const driving = cycleGauge(line, limit, days, null, options, 'drivenMs')
  let [cycleMs, drivingMs] = [0, 0]
  return {
    name: 'cycle',
    rule: cycle.rule,
    citation: `${cycle.citation}, ${limit.citation}`,
    levelAt(boundary, points) {
      cycleMs = cycle.levelAt(boundary, points)
      drivingMs = driving.levelAt(boundary, points)
      return Math.max(cycleMs, drivingMs)
    },
    basis: () => (cycleMs >= drivingMs ? cycle.basis() : driving.basis()),
    ahead(levelMs) {
      if (line.present < ON_DUTY) return STANDING
      const works = line.present < DRIVING && cycleMs > drivingMs
      // Other work uses up the cycle only: from here on it is the driving that leaves more.
      const settlesAt = works ? line.at[line.count]! + cycleMs - drivingMs : undefined
      if (levelMs <= 0) return { running: true, runsOutAt: null, settlesAt }
      const [ofCycle, ofDriving] = [cycle.ahead(cycleMs), driving.ahead(drivingMs)]
      if (line.present === DRIVING) {
        const ends = [cycleMs > 0 ? ofCycle.runsOutAt : 0, drivingMs > 0 ? ofDriving.runsOutAt : 0]
        return { running: true, runsOutAt: ends.includes(null) ? null : Math.max(ends[0]!, ends[1]!) }
      }
      if (cycleMs <= drivingMs) return STANDING
      if (drivingMs > 0) return { running: true, runsOutAt: null, settlesAt }
      const back = driving.comesBackAt()
      const ends = back === null || (ofCycle.runsOutAt !== null && ofCycle.runsOutAt < back)
      return { running: true, runsOutAt: ends ? ofCycle.runsOutAt : null }
    },
  }
}
