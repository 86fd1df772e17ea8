import { CycleGauge } from '../north-america/cycle.ts'
import { type Ahead, type Basis, type Gauge, STANDING } from '../north-america/gauge.ts'
import { DRIVING, ON_DUTY, type Timeline } from '../north-america/timeline.ts'
import type { HosOptions } from '../types.ts'
import type { UnitedStatesLaw } from './limits.ts'

/**
 * 49 CFR 395.1(c): the hours of 395.3(b) do not apply to a driver-salesperson who drives no more than 40 h in any 7
 * consecutive days. So either will do, and the clock is the larger of the two.
 */
export class SalespersonGauge implements Gauge {
  readonly name = 'cycle'
  readonly rule: string
  readonly citation: string
  readonly gradual = true
  readonly #line: Timeline
  readonly #cycle: CycleGauge
  readonly #driving: CycleGauge
  #cycleMs = 0
  #drivingMs = 0

  constructor(
    line: Timeline,
    cycle: CycleGauge,
    { limit, days }: NonNullable<UnitedStatesLaw['salesperson']>,
    options: HosOptions,
  ) {
    this.rule = cycle.rule
    this.citation = `${cycle.citation}, ${limit.citation}`
    this.#line = line
    this.#cycle = cycle
    this.#driving = new CycleGauge(line, limit, days, null, options, 'drivenMs')
  }

  levelAt(boundary: number): number {
    this.#cycleMs = this.#cycle.levelAt(boundary)
    this.#drivingMs = this.#driving.levelAt(boundary)
    return Math.max(this.#cycleMs, this.#drivingMs)
  }

  basis(): Basis {
    return this.#cycleMs >= this.#drivingMs ? this.#cycle.basis() : this.#driving.basis()
  }

  ahead(levelMs: number): Ahead {
    const line = this.#line
    const cycleMs = this.#cycleMs
    const drivingMs = this.#drivingMs
    if (line.present < ON_DUTY) return STANDING
    const works = line.present < DRIVING && cycleMs > drivingMs
    // Other work uses up the cycle only: from here on it is the driving that leaves more.
    const settlesAt = works ? line.at[line.count]! + cycleMs - drivingMs : undefined
    if (levelMs <= 0) return { running: true, runsOutAt: null, settlesAt }
    const [ofCycle, ofDriving] = [this.#cycle.ahead(cycleMs), this.#driving.ahead(drivingMs)]
    if (line.present === DRIVING) {
      const ends = [cycleMs > 0 ? ofCycle.runsOutAt : 0, drivingMs > 0 ? ofDriving.runsOutAt : 0]
      return { running: true, runsOutAt: ends.includes(null) ? null : Math.max(ends[0]!, ends[1]!) }
    }
    if (cycleMs <= drivingMs) return STANDING
    if (drivingMs > 0) return { running: true, runsOutAt: null, settlesAt }
    const back = this.#driving.comesBackAt()
    const ends = back === null || (ofCycle.runsOutAt !== null && ofCycle.runsOutAt < back)
    return { running: true, runsOutAt: ends ? ofCycle.runsOutAt : null }
  }

  mark(): void {
    this.#cycle.mark()
    this.#driving.mark()
  }

  rewind(): void {
    this.#cycle.rewind()
    this.#driving.rewind()
  }
}
