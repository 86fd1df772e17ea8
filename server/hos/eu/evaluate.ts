import type { Instant } from '../../time/instant.ts'
import { type DutyEvent, type Evaluation, type HosOptions, HosRefusal } from '../types.ts'
import { answersAt, type Settings, settingsOf } from './answers.ts'
import { nextChangeAt } from './nextChange.ts'

/**
 * Judges a log by Regulation (EC) 561/2006 (ruleset `eu-561`) at an instant, with the events up to it and none later.
 * Before the first event the driver is at rest, long enough for any rest.
 * @throws HosRefusal for events out of order, activities of another jurisdiction and unknown zones
 */
export function evaluateEu(log: readonly DutyEvent[], options: HosOptions, asOf: Instant): Evaluation {
  const settings = checkedSettings(options)
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
    nextChangeAt: nextChangeAt(known, settings, now, violations),
  }
}

const ACTIVITIES: ReadonlySet<string> = new Set(['REST', 'DRIVE', 'WORK', 'POA', 'FERRY'])
const ELSEWHERE: ReadonlySet<string> = new Set(['OFF', 'SB', 'D', 'ON', 'PC', 'YM'])

function checkedSettings(options: HosOptions): Settings {
  try {
    return settingsOf(options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new HosRefusal('unknown-zone', null, error.message)
  }
}

function checkLog(log: readonly DutyEvent[]): void {
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
