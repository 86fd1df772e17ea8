import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import { filled } from './gapped.ts'
import { fillingOf, type Gapped, gappedOf, JURISDICTIONS, randomOf, statusesOf } from './gaps.testing.ts'
import { evaluateWithGaps } from './gaps.ts'
import type { RulesetId, Violation } from './types.ts'

const LOGS = 30
const FILLINGS = 200
const SEED = 7_000
/** Fillings go by quarters and lengths that matter, so an extreme is as good as reached when it is this near. */
const NEAR_MS = 15 * MINUTE

/**
 * How many of the logs may have a bound that no filling came near. What is not named here is reached in all of them: these are the
 * rules whose bounds are known to be wider than the fillings.
 */
const WIDE: Partial<Record<RulesetId, Record<string, number>>> = {
  // Which days were long hangs on every tour of the week.
  'us-short-haul-non-cdl': { window: 5, 'us.window-14': 2 },
  // How many extensions and reduced rests are left hangs on the rests before.
  'eu-561': { driveDaily: 6, dutyDaily: 2, 'eu.drive-daily': 3 },
  // Periods of 24 h begin with the first duty after the last of them.
  'eu-wtd': { workNight: 5, 'wtd.break-daily': 3 },
  'gb-domestic': { driveDaily: 3, duty: 6 },
  'gb-domestic-passenger': { break: 2, 'gb.rest-10': 1 },
}

/** A log with one gap of at most a day and a half, so that few fillings show what there is. */
function smallGap(ruleset: RulesetId, timeZone: string, random: (below: number) => number): Gapped {
  const statuses = statusesOf(ruleset)
  for (;;) {
    const gapped = gappedOf(ruleset, random, timeZone)
    const { log, asOf } = gapped
    const at = log.findLastIndex((one) => one.status === 'UNKNOWN' && one.at < asOf)
    if (at < 0) continue
    if (Math.min(log[at + 1]?.at ?? asOf, asOf) - log[at]!.at > 36 * HOUR) continue
    const known = log.map((one, i) =>
      one.status === 'UNKNOWN' && i !== at ? { ...one, status: statuses[random(4)]! } : one,
    )
    return { ...gapped, log: known }
  }
}

describe('how near fillings come to the bounds of a log with a small gap', () => {
  // The shorter of the two cycles for property differs in nothing that a small gap could show.
  for (const [ruleset, timeZone] of JURISDICTIONS.filter(([id]) => id !== 'us-property-60-7'))
    test(`${ruleset}: clocks and violations, ${LOGS} logs of ${FILLINGS} fillings`, () => {
      const missed: Record<string, number> = {}
      const miss = (name: string) => {
        missed[name] = (missed[name] ?? 0) + 1
      }
      for (let i = 0; i < LOGS; i++) {
        const random = randomOf(SEED + i)
        const gapped = smallGap(ruleset, timeZone, random)
        const bounds = evaluateWithGaps(gapped.log, ruleset, gapped.options, gapped.asOf)
        const plain = statusesOf(ruleset).map((status) => filled(gapped.log, status))
        const answers = [
          ...plain,
          ...Array.from({ length: FILLINGS }, () => fillingOf(gapped, statusesOf(ruleset), random)),
        ].map((filling) => evaluate(filling, ruleset, gapped.options, gapped.asOf))
        for (const { name, leastMs, mostMs } of bounds.clocks) {
          const left = answers.map(({ clocks }) => clocks.find((one) => one.name === name)!.remainingMs)
          if (Math.min(...left) - leastMs > NEAR_MS || mostMs - Math.max(...left) > NEAR_MS) miss(name)
        }
        const rules = new Set(bounds.possible.map(({ rule }) => rule))
        for (const rule of rules) {
          const begun = answers.flatMap(({ violations }) => violations.filter((one) => one.rule === rule))
          const isMissed = (one: Violation) =>
            !begun.some((other) => other.from <= one.until && other.until >= one.from)
          if (bounds.possible.some((one) => one.rule === rule && isMissed(one))) miss(rule)
        }
      }
      const allowed = WIDE[ruleset] ?? {}
      for (const [name, count] of Object.entries(missed))
        assert.ok(
          count <= (allowed[name] ?? 0),
          `${name}: ${count} of ${LOGS} logs have a bound that nothing came near`,
        )
    })
})
