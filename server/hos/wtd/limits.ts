import { inMs, law } from '../eu/limits.ts'

/** Art. 14: by when member states had to comply. */
const SINCE = '2005-03-23'

/** The numbers of Directive 2002/15/EC. All limits are inclusive. */
export const LIMITS = law(SINCE, {
  week: { value: 60, unit: 'h', citation: 'Directive 2002/15/EC art. 4(a)' },
  averageWeek: { value: 48, unit: 'h', citation: 'Directive 2002/15/EC art. 4(a)' },
  /** Four months, counted in whole weeks. */
  referenceWeeks: { value: 17, unit: 'times', citation: 'Directive 2002/15/EC art. 4(a)' },
  /** Six months, by agreement. */
  referenceWeeksAgreed: { value: 26, unit: 'times', citation: 'Directive 2002/15/EC art. 8(2)' },

  workWithoutBreak: { value: 6, unit: 'h', citation: 'Directive 2002/15/EC art. 5(1)' },
  breakPart: { value: 15, unit: 'min', citation: 'Directive 2002/15/EC art. 5(2)' },
  dayWithBreak: { value: 6, unit: 'h', citation: 'Directive 2002/15/EC art. 5(1)' },
  breakOfDay: { value: 30, unit: 'min', citation: 'Directive 2002/15/EC art. 5(1)' },
  dayWithLongBreak: { value: 9, unit: 'h', citation: 'Directive 2002/15/EC art. 5(1)' },
  longBreakOfDay: { value: 45, unit: 'min', citation: 'Directive 2002/15/EC art. 5(1)' },

  nightTime: { value: 4, unit: 'h', citation: 'Directive 2002/15/EC art. 3(h)' },
  workWithNight: { value: 10, unit: 'h', citation: 'Directive 2002/15/EC art. 7(1)' },
  periodWithNight: { value: 24, unit: 'h', citation: 'Directive 2002/15/EC art. 7(1)' },

  /** What ends a day of work: the shortest daily rest. */
  dailyRest: { value: 9, unit: 'h', citation: '(EC) 561/2006 art. 4(g), by Directive 2002/15/EC art. 6' },
})

/** The table in milliseconds, worked out once; a number of times stays that number. */
export const MS = Object.fromEntries(Object.entries(LIMITS).map(([name, limit]) => [name, inMs(limit)])) as {
  readonly [name in keyof typeof LIMITS]: number
}
