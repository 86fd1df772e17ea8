import type { Instant } from '../time/instant.ts'
import { evaluateCanada } from './ca/evaluate.ts'
import { evaluateBy } from './eu/activities.ts'
import { evaluateEu } from './eu/evaluate.ts'
import { goodsRules } from './gb/goods.ts'
import { passengerRules } from './gb/passenger.ts'
import type { DutyEvent, Evaluation, HosOptions, RulesetId } from './types.ts'
import { evaluateUnitedStates } from './us/evaluate.ts'
import { workingTimeRules } from './wtd/evaluate.ts'

/**
 * Judges a log as it is known at `asOf`: every violation, every clock, and when an answer changes next with no new event.
 * @param log events in order of time; each holds until the next, the last until `asOf`; later ones are left out
 * @throws HosRefusal for a log, zone or ruleset that can't be judged
 */
export function evaluate(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): Evaluation {
  if (ruleset.startsWith('ca-')) return evaluateCanada(log, ruleset, options, asOf)
  if (ruleset === 'eu-561') return evaluateEu(log, options, asOf)
  if (ruleset === 'eu-wtd') return evaluateBy(workingTimeRules, log, options, asOf)
  if (ruleset === 'gb-domestic') return evaluateBy(goodsRules, log, options, asOf)
  if (ruleset === 'gb-domestic-passenger') return evaluateBy(passengerRules, log, options, asOf)
  return evaluateUnitedStates(log, ruleset, options, asOf)
}
