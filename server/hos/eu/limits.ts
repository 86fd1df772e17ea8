import { DAY, HOUR, MINUTE } from '../../time/instant.ts'

/** A number of the law, with its unit, since when it holds and the article that sets it. */
export interface Limit {
  value: number
  unit: 'min' | 'h' | 'd' | 'times'
  citation: string
  inForceSince: string
}

/** A table of numbers that hold since one day, but for those that say another. */
export function law<const T extends Record<string, Omit<Limit, 'inForceSince'> & { inForceSince?: string }>>(
  inForceSince: string,
  table: T,
): { readonly [name in keyof T]: Limit } {
  return Object.fromEntries(
    Object.entries(table).map(([name, limit]) => [name, { inForceSince, ...limit }]),
  ) as { readonly [name in keyof T]: Limit }
}

/** (EC) 561/2006 art. 29; (EU) 2020/1054 art. 3, twenty days after OJ L 249 of 31 July 2020. */
const SINCE_2007 = '2007-04-11'
const SINCE_2020 = '2020-08-20'

/** The numbers of Regulation (EC) 561/2006 as amended by (EU) 2020/1054. All limits are inclusive. */
export const LIMITS = law(SINCE_2007, {
  drivingPeriod: { value: 270, unit: 'min', citation: '(EC) 561/2006 art. 7' },
  break: { value: 45, unit: 'min', citation: '(EC) 561/2006 art. 7' },
  breakFirstPart: { value: 15, unit: 'min', citation: '(EC) 561/2006 art. 7, second paragraph' },
  breakSecondPart: { value: 30, unit: 'min', citation: '(EC) 561/2006 art. 7, second paragraph' },
  breakAsCrew: {
    value: 45,
    unit: 'min',
    citation: '(EC) 561/2006 art. 7, third paragraph',
    inForceSince: SINCE_2020,
  },

  drivingDay: { value: 9, unit: 'h', citation: '(EC) 561/2006 art. 6(1)' },
  drivingDayExtended: { value: 10, unit: 'h', citation: '(EC) 561/2006 art. 6(1)' },
  extensionsPerWeek: { value: 2, unit: 'times', citation: '(EC) 561/2006 art. 6(1)' },
  restEndingDayWhenMissing: {
    value: 7,
    unit: 'h',
    citation: 'Commission Implementing Decision of 7 June 2011',
    inForceSince: '2011-06-07',
  },
  drivingWeek: { value: 56, unit: 'h', citation: '(EC) 561/2006 art. 6(2)' },
  drivingFortnight: { value: 90, unit: 'h', citation: '(EC) 561/2006 art. 6(3)' },

  dailyRestWindow: { value: 24, unit: 'h', citation: '(EC) 561/2006 art. 8(2)' },
  dailyRestWindowAsCrew: { value: 30, unit: 'h', citation: '(EC) 561/2006 art. 8(5)' },
  dailyRest: { value: 11, unit: 'h', citation: '(EC) 561/2006 art. 4(g)' },
  dailyRestReduced: { value: 9, unit: 'h', citation: '(EC) 561/2006 art. 4(g)' },
  dailyRestFirstPart: { value: 3, unit: 'h', citation: '(EC) 561/2006 art. 4(g)' },
  reducedDailyRests: { value: 3, unit: 'times', citation: '(EC) 561/2006 art. 8(4)' },

  betweenWeeklyRests: { value: 144, unit: 'h', citation: '(EC) 561/2006 art. 8(6)' },
  weeklyRest: { value: 45, unit: 'h', citation: '(EC) 561/2006 art. 4(h)' },
  weeklyRestReduced: { value: 24, unit: 'h', citation: '(EC) 561/2006 art. 4(h)' },
  /** In art. 8(6) until (EU) 2020/1054 gave it a paragraph of its own. */
  weeksToCompensate: {
    value: 3,
    unit: 'times',
    citation: '(EC) 561/2006 art. 8(6b)',
  },

  /** For the regular daily rest from the first; since 20 August 2020 for a weekly rest too. */
  ferryInterruptions: {
    value: 2,
    unit: 'times',
    citation: '(EC) 561/2006 art. 9(1)',
  },
  ferryInterruptionTotal: {
    value: 60,
    unit: 'min',
    citation: '(EC) 561/2006 art. 9(1)',
  },
  ferryRest: { value: 11, unit: 'h', citation: '(EC) 561/2006 art. 9(1)' },
})

const UNIT_MS = { min: MINUTE, h: HOUR, d: DAY, times: 1 } as const

/** A limit in milliseconds (a number of times stays that number). */
export const inMs = (limit: Limit): number => limit.value * UNIT_MS[limit.unit]

/** The table in milliseconds, worked out once. */
export const MS = Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, inMs(limit)])) as {
  readonly [name in keyof typeof LIMITS]: number
}
