import type { Instant } from '../../time/instant.ts'
import type { DutyEvent, HosOptions } from '../types.ts'
import { settingsOf } from './answers.ts'
import { openDebts } from './compensation.ts'
import { dailyDriving } from './dailyDriving.ts'
import { periodsOf } from './dailyRest.ts'
import { MS } from './limits.ts'
import { timelineOf } from './timeline.ts'
import { readWeeklyRests } from './weeklyReading.ts'
import { weeklyRestDue, weeklyRestsOf } from './weeklyRest.ts'

/** What the driver has left to spend, and owes. */
export interface EuLedger {
  /** Of three between two weekly rests: art. 8(4). */
  reducedRestsLeft: number
  /** Of two in the fixed week: art. 6(1). */
  extensionsLeft: number
  /** What reduced weekly rests lack to 45 h and no rest has made good yet: art. 8(6b). */
  debts: { owedMs: number; dueAt: Instant }[]
  /** By when the next weekly rest must begin: art. 8(6). null before the first work. */
  weeklyRestDueAt: Instant | null
  /** By when the next daily rest must be complete: art. 8(2). null while none is due. */
  dailyRestDueAt: Instant | null
  /** The first part of a daily rest in two, 3 h or more, in the present period or the one that the running rest closes: art. 4(g). */
  dailyFirstPart: { from: Instant; until: Instant } | null
}

/**
 * What resting now would cost later. A rest that still runs counts with the length it has.
 * @param log a log that `evaluate` has taken
 */
export function ledgerOf(log: readonly DutyEvent[], options: HosOptions, asOf: Instant): EuLedger {
  const settings = settingsOf(options)
  const timeline = timelineOf(
    log.filter((event) => event.at <= asOf),
    asOf,
  )
  const periods = periodsOf(timeline, settings)
  const weeklyRests = weeklyRestsOf(timeline)
  const reading = readWeeklyRests(timeline, weeklyRests, settings.weeks, settings.twoReducedAbroad)
  const period = periods.at(-1)
  const reducedBefore = (period?.kind === 'open' ? periods.at(-2) : period)?.reducedCount ?? 0
  const lastWeekly = weeklyRests.at(-1)
  return {
    reducedRestsLeft: Math.max(0, MS.reducedDailyRests - reducedBefore),
    extensionsLeft: dailyDriving(timeline, periods, settings.weeks).extensionsLeft,
    debts: openDebts(timeline, reading, settings.weeks).map(({ owedMs, deadline }) => ({
      owedMs,
      dueAt: deadline,
    })),
    weeklyRestDueAt: lastWeekly && !lastWeekly.open ? weeklyRestDue(lastWeekly) : null,
    dailyRestDueAt: period?.kind === 'open' ? period.windowUntil : null,
    dailyFirstPart: period?.firstPart ? { from: period.firstPart.from, until: period.firstPart.until } : null,
  }
}
