import type { Instant } from '../../time/instant.ts'
import {
  type Clock,
  type DutyEvent,
  type Evaluation,
  type HosOptions,
  HosRefusal,
  MOST_EVENTS,
  type Violation,
} from '../types.ts'
import { goOn, type Timeline, timelineOf } from './timeline.ts'

/** What rules over activities say of a timeline, and when they could say something else. */
export interface Judged {
  clocks: Clock[]
  /** Worked out when asked for: most changes show in the clocks already. */
  violations: () => Violation[]
  /** Instants at which something could change with no new event; more of them cost time, none too few. */
  changes: Instant[]
}

/** The rules of a ruleset: its settings read once from the options, and its answers. */
export interface Rules<Settings> {
  /** @throws RangeError for an unknown zone */
  settingsOf(options: HosOptions): Settings
  judge(timeline: Timeline, settings: Settings): Judged
}

/**
 * Judges a log of European activities by such rules, with the events up to `asOf` and none later. Before the first event the
 * driver is at rest, long enough for any rest.
 * @throws HosRefusal for events out of order, activities of another jurisdiction and unknown zones
 */
export function evaluateBy<Settings>(
  rules: Rules<Settings>,
  log: readonly DutyEvent[],
  options: HosOptions,
  asOf: Instant,
): Evaluation {
  const settings = checkedSettings(() => rules.settingsOf(options))
  checkLog(log)
  const known = log.filter((event) => event.at <= asOf)
  const timeline = timelineOf(known, asOf)
  const now = rules.judge(timeline, settings)
  const present = timeline.stretches.at(-1)
  // The timeline goes on below: what it says now is read before.
  const [status, statusSince] = present ? [present.status, present.from] : (['REST', asOf] as const)
  const violations = inOrder(now.violations())
  return {
    asOf,
    status,
    statusSince,
    clocks: now.clocks,
    violations,
    nextChangeAt: nextChangeAt(rules, timeline, settings, now, violations),
  }
}

function nextChangeAt<Settings>(
  rules: Rules<Settings>,
  timeline: Timeline,
  settings: Settings,
  now: Judged,
  violations: readonly Violation[],
): Instant | null {
  const { asOf } = timeline
  const clocks = clocksSignature(now.clocks, asOf)
  const broken = violationsSignature(violations)
  const candidates: Instant[] = []
  // Limits are inclusive: a breach shows just after its limit.
  for (const at of now.changes) candidates.push(at, at + 1)
  for (const { runsOutAt } of now.clocks) if (runsOutAt !== null) candidates.push(runsOutAt, runsOutAt + 1)
  candidates.sort((a, b) => a - b)
  let asked = asOf
  for (const at of candidates) {
    if (at <= asked) continue
    asked = at
    const then = rules.judge(goOn(timeline, at), settings)
    if (clocksSignature(then.clocks, at) !== clocks) return at
    if (violationsSignature(inOrder(then.violations())) !== broken) return at
  }
  return null
}

/** The clocks without what moves by itself: a running one is known by when it runs out, and would, were no week to turn. */
export const clocksSignature = (clocks: readonly Clock[], asOf: Instant): string =>
  clocks
    .map(({ limitMs, running, runsOutAt, remainingMs }) =>
      running ? `${limitMs}:${runsOutAt}:${asOf + remainingMs}` : `${limitMs}=${remainingMs}`,
    )
    .join(' ')

/** The violations without what grows by itself. */
export const violationsSignature = (violations: readonly Violation[]): string =>
  violations.map((violation) => `${violation.rule}@${violation.from}`).join(' ')

/** Violations in the order in which an answer lists them: by their beginning, then by rule. */
export const inOrder = (violations: Violation[]): Violation[] =>
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0))

const ACTIVITIES: ReadonlySet<string> = new Set(['REST', 'DRIVE', 'WORK', 'POA', 'FERRY'])
const ELSEWHERE: ReadonlySet<string> = new Set(['OFF', 'SB', 'D', 'ON', 'PC', 'YM'])

/** Settings, or the refusal of a zone that there is not. */
export function checkedSettings<Settings>(read: () => Settings): Settings {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new HosRefusal('unknown-zone', null, error.message)
  }
}

/** @throws HosRefusal for a log too long, events out of order and what is no activity of (EU) 165/2014 */
export function checkLog(log: readonly DutyEvent[]): void {
  if (log.length > MOST_EVENTS) {
    throw new HosRefusal('too-long', MOST_EVENTS, `a log of ${log.length} events; the most is ${MOST_EVENTS}`)
  }
  let before = Number.NEGATIVE_INFINITY
  log.forEach(({ at, status }, i) => {
    if (!Number.isFinite(at) || at < before) {
      throw new HosRefusal('out-of-order', i, 'begins before the event ahead of it')
    }
    before = at
    if (ACTIVITIES.has(status)) return
    if (ELSEWHERE.has(status)) {
      throw new HosRefusal('wrong-jurisdiction', i, `"${status}" is no activity of (EU) 165/2014`)
    }
    throw new HosRefusal('unknown-status', i, `"${status}" is no duty status`)
  })
}
