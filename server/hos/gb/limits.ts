import { inMs, law } from '../eu/limits.ts'

/**
 * Since 29 September 1986 for goods vehicles, by SI 1986/1459 with the exemptions of SI 1986/1492. Those for passenger vehicles, SI 1971/818, were
 * in force before it.
 */
const SINCE = '1986-09-29'
/** Goods vehicles two weeks earlier; passenger vehicles by SI 1970/385. */
const SINCE_1970 = '1970-03-15'

/** The numbers of Part VI of the Transport Act 1968 as modified for Great Britain. All limits are inclusive. */
export const LIMITS = law(SINCE, {
  drivingDay: { value: 10, unit: 'h', citation: 'Transport Act 1968 s. 96(1)', inForceSince: SINCE_1970 },
  day: { value: 24, unit: 'h', citation: 'Transport Act 1968 s. 103(1)' },
  dutyDay: { value: 11, unit: 'h', citation: 'Transport Act 1968 s. 96(3)(a)' },
  drivingOfLightWeek: { value: 4, unit: 'h', citation: 'Transport Act 1968 s. 96(7)' },

  drivingSpell: { value: 330, unit: 'min', citation: 'Transport Act 1968 s. 96(2)' },
  break: { value: 30, unit: 'min', citation: 'Transport Act 1968 s. 96(2)' },
  breaksOfLongSpell: { value: 45, unit: 'min', citation: 'Transport Act 1968 s. 96(2)' },
  longSpell: { value: 510, unit: 'min', citation: 'Transport Act 1968 s. 96(2)' },
  workingDay: { value: 16, unit: 'h', citation: 'Transport Act 1968 s. 96(3)(c)' },
  dailyRest: { value: 10, unit: 'h', citation: 'Transport Act 1968 s. 96(4)' },
  dailyRestReduced: { value: 510, unit: 'min', citation: 'Transport Act 1968 s. 96(4)' },
  reducedRestsPerWeek: { value: 3, unit: 'times', citation: 'Transport Act 1968 s. 96(4)' },
  fortnightlyRest: { value: 24, unit: 'h', citation: 'Transport Act 1968 s. 96(6)' },
  /** A fortnight less its rest: so late may the rest begin. */
  beforeFortnightlyRest: { value: 13, unit: 'd', citation: 'Transport Act 1968 s. 96(6)' },
})

/** The table in milliseconds, worked out once. */
export const MS = Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, inMs(limit)])) as {
  readonly [name in keyof typeof LIMITS]: number
}
