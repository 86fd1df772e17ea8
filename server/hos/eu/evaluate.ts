import type { Instant } from '../../time/instant.ts'
import type { DutyEvent, Evaluation, HosOptions } from '../types.ts'
import { checkedSettings, checkLog } from './activities.ts'
import { answersAt, settingsOf } from './answers.ts'
import { nextChangeAt } from './nextChange.ts'

/**
 * Judges a log by Regulation (EC) 561/2006 (ruleset `eu-561`) at an instant, with the events up to it and none later.
 * Before the first event the driver is at rest, long enough for any rest.
 * @throws HosRefusal for events out of order, activities of another jurisdiction and unknown zones
 */
export function evaluateEu(log: readonly DutyEvent[], options: HosOptions, asOf: Instant): Evaluation {
  const settings = checkedSettings(() => settingsOf(options))
  checkLog(log)
  const known = log.filter((event) => event.at <= asOf)
  const now = answersAt(known, settings, asOf)
  const violations = now.violations()
  const present = now.timeline.stretches.at(-1)
  return {
    asOf,
    status: present?.status ?? 'REST',
    statusSince: present?.from ?? asOf,
    clocks: now.clocks,
    violations,
    nextChangeAt: nextChangeAt(settings, now, violations),
  }
}
