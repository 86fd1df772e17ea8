import type { Gauge } from '../north-america/gauge.ts'

/** One rule made of several limits, such as one for the shift and one for the day: the one that leaves least binds. */
export function smallestOf(first: Gauge, ...others: readonly Gauge[]): Gauge {
  const parts = [first, ...others]
  const levels = parts.map(() => 0)
  let binding = first
  return {
    name: first.name,
    rule: first.rule,
    get citation() {
      return binding.citation
    },
    levelAt(boundary, points) {
      let least = Number.POSITIVE_INFINITY
      for (let p = 0; p < parts.length; p++) {
        const level = parts[p]!.levelAt(boundary, points)
        levels[p] = level
        if (level < least) {
          least = level
          binding = parts[p]!
        }
      }
      return least
    },
    basis: () => binding.basis(),
    ahead(levelMs) {
      const answers = parts.map((part, p) => part.ahead(levels[p]!))
      const running = answers.some((answer) => answer.running)
      // One that is past its limit holds the rule at zero, whatever the others still leave.
      if (levelMs <= 0) return { running, runsOutAt: null }
      const ends = answers.map(({ runsOutAt }) => runsOutAt ?? Number.POSITIVE_INFINITY)
      const runsOutAt = Math.min(...ends)
      return { running, runsOutAt: runsOutAt < Number.POSITIVE_INFINITY ? runsOutAt : null }
    },
  }
}
