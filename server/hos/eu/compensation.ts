import type { Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { type Rest, restBefore, shown, type Timeline } from './timeline.ts'
import type { Reading } from './weeklyReading.ts'
import type { Weeks } from './weeks.ts'

export const RULE = 'eu.rest-compensation'

/** What a reduced weekly rest lacks to 45 h, and by when it must be made good. */
export interface Debt {
  rest: Rest
  owedMs: number
  deadline: Instant
}

/** More ways to share out debts than a driver can run into; past it the search gives up on the one debt. */
const SEARCH_STEPS = 5_000

/**
 * Art. 8(6b): a reduction is compensated by an equivalent rest en bloc, attached to another rest of 9 h or more
 * (art. 8(7)), before the end of the third week after the week in question. One rest may pay several debts, several
 * rests never one.
 */
export function compensationViolations(timeline: Timeline, reading: Reading, weeks: Weeks): Violation[] {
  const debts = debtsOf(reading, weeks).filter(({ deadline }) => deadline <= timeline.asOf)
  return shareOut(debts, timeline).open.map(({ rest, owedMs, deadline }) => ({
    rule: RULE,
    from: deadline,
    until: timeline.asOf,
    explanation: {
      citation: LIMITS.weeksToCompensate.citation,
      limitMs: owedMs,
      reachedMs: Math.max(0, ...carriersOf(rest, deadline, timeline).map((r) => spareMs(r, deadline))),
      since: rest.until,
      rests: shown([rest]),
    },
  }))
}

/** What no rest so far has paid, whether its deadline has passed or not. */
export const openDebts = (timeline: Timeline, reading: Reading, weeks: Weeks): Debt[] =>
  shareOut(debtsOf(reading, weeks), timeline).open

/**
 * Is what was owed before a weekly rest settled by an instant: each debt paid by that rest or an earlier one, or past its
 * deadline? Later rests then pay later debts only.
 */
export function isSettled(
  weeklyRest: Rest,
  by: Instant,
  timeline: Timeline,
  reading: Reading,
  weeks: Weeks,
): boolean {
  const { open, paid } = shareOut(debtsOf(reading, weeks), timeline)
  const before = (debt: Debt) => debt.rest.from < weeklyRest.from
  return (
    open.every((debt) => !before(debt) || debt.deadline < by) &&
    paid.every((one) => !before(one.debt) || one.by.from <= weeklyRest.from)
  )
}

/** Could a rest pay for a reduced weekly rest, in whichever week that one counts? */
export const mayCarryFor = (rest: Rest, reading: Reading, weeks: Weeks): boolean =>
  rest.restMs > MS.dailyRestReduced &&
  [...reading.weekOfReduced.keys()].some(
    (reduced) =>
      rest.from >= reduced.until &&
      rest.from < weeks.startOf(weeks.of(reduced.until) + MS.weeksToCompensate + 1),
  )

/** What reduced weekly rests owe, by deadline. */
export function debtsOf(reading: Reading, weeks: Weeks): Debt[] {
  const debts: Debt[] = []
  for (const [rest, week] of reading.weekOfReduced) {
    const deadline = weeks.startOf(week + MS.weeksToCompensate + 1)
    debts.push({ rest, owedMs: MS.weeklyRest - rest.restMs, deadline })
  }
  return debts.sort((a, b) => a.deadline - b.deadline || a.rest.from - b.rest.from)
}

/** What a rest has beyond its own need by a deadline: 9 h for a daily, 45 h for a weekly one; reduced ones nothing. */
function spareMs(rest: Rest, deadline: Instant): number {
  const ms = restBefore(rest, deadline)
  if (ms >= MS.weeklyRest) return ms - MS.weeklyRest
  return ms < MS.weeklyRestReduced ? Math.max(0, ms - MS.dailyRestReduced) : 0
}

/** The rests that could carry a compensation: begun later than the reduced rest and before the deadline. */
function carriersOf(reduced: Rest, deadline: Instant, timeline: Timeline): Rest[] {
  const { joined } = timeline
  const carriers: Rest[] = []
  for (let i = joined.length - 1; i >= 0; i--) {
    const rest = joined[i] as Rest
    if (rest.from < reduced.until) break
    if (rest.from < deadline && rest.restMs > MS.dailyRestReduced) carriers.push(rest)
  }
  return carriers.reverse()
}

interface Payment {
  debt: Debt
  by: Rest
}

/** Which rest pays which debt, earlier deadlines served first, and the debts that no sharing out pays. */
function shareOut(debts: readonly Debt[], timeline: Timeline): { open: Debt[]; paid: Payment[] } {
  const open: Debt[] = []
  const paid: Payment[] = []
  for (const debt of debts) {
    // An earlier debt may have to move to another rest to make room; those long past stay where they are.
    const movable = paid.filter((one) => one.debt.deadline > debt.rest.until)
    const fixed = paid.filter((one) => !movable.includes(one))
    const shared = share([...movable.map((one) => one.debt), debt], fixed, timeline)
    if (!shared) open.push(debt)
    else paid.splice(0, paid.length, ...fixed, ...shared)
  }
  return { open, paid }
}

/** Finds a rest for each debt, or null if there is no way. */
function share(debts: readonly Debt[], fixed: readonly Payment[], timeline: Timeline): Payment[] | null {
  const taken = new Map<Rest, number>()
  for (const { debt, by } of fixed) taken.set(by, (taken.get(by) ?? 0) + debt.owedMs)
  const carriers = debts.map((debt) => carriersOf(debt.rest, debt.deadline, timeline))
  const chosen: Payment[] = []
  let steps = 0

  const place = (i: number): boolean => {
    const debt = debts[i]
    if (!debt) return true
    for (const by of carriers[i] ?? []) {
      const before = taken.get(by) ?? 0
      if (before + debt.owedMs > spareMs(by, debt.deadline)) continue
      if (++steps > SEARCH_STEPS) return false
      taken.set(by, before + debt.owedMs)
      chosen.push({ debt, by })
      if (place(i + 1)) return true
      chosen.pop()
      taken.set(by, before)
    }
    return false
  }
  return place(0) ? chosen : null
}
