import { durationText, ruleTitle } from '../../server/hos/explain.ts'
import type { GappedEvaluation } from '../../server/hos/gaps.ts'
import type { Evaluation, RulesetId, Violation } from '../../server/hos/types.ts'
import { brokenFor, plural, zonedDateTime } from '../format.ts'
import { CLOCK_TITLE } from '../logs/clocks.ts'
import { clockRange, gapSummary } from './gap-panel.tsx'
import type { Unchanged } from './question.ts'
import { RULESETS } from './rulesets.ts'

interface PanelProps<Said> {
  crossed: Said
  unchanged: Unchanged<Said>
  timeZone: string
}

/** The other answer: what would hold had the last border not been crossed. */
export function BorderPanel({ crossed, unchanged, timeZone }: PanelProps<Evaluation>) {
  const { ruleset, evaluation } = unchanged
  const { violations, clocks } = evaluation
  return (
    <Other
      ruleset={ruleset}
      said={violations.length === 0 ? 'No violation' : plural(violations.length, 'violation', 'violations')}
      only={onlyIn(violations, crossed.violations).map((one) => told(one, timeZone))}
      clocks={clocks.map(({ name, remainingMs }) => [CLOCK_TITLE[name], durationText(remainingMs)])}
    />
  )
}

/** The same where some time is unknown. */
export function GappedBorderPanel({ crossed, unchanged, timeZone }: PanelProps<GappedEvaluation>) {
  const { ruleset, evaluation } = unchanged
  return (
    <Other
      ruleset={ruleset}
      said={gapSummary(evaluation)}
      only={[
        ...onlyIn(evaluation.proven, crossed.proven).map((one) => told(one, timeZone)),
        ...onlyIn(evaluation.possible, crossed.possible).map(
          ({ rule, from }) =>
            `perhaps ${ruleTitle(rule)}, at some time from ${zonedDateTime(from, timeZone)}`,
        ),
      ]}
      clocks={evaluation.clocks.map((clock) => [CLOCK_TITLE[clock.name], clockRange(clock)])}
    />
  )
}

/** What the other answer does not say. */
const onlyIn = (violations: readonly Violation[], others: readonly Violation[]) =>
  violations.filter((one) => !others.some(({ rule, from }) => rule === one.rule && from === one.from))

const told = (violation: Violation, timeZone: string) =>
  `${ruleTitle(violation.rule)}, ${zonedDateTime(violation.from, timeZone)}, ${brokenFor(violation, timeZone)}`

function Other({
  ruleset,
  said,
  only,
  clocks,
}: {
  ruleset: RulesetId
  said: string
  only: readonly string[]
  clocks: readonly [string, string][]
}) {
  return (
    <section aria-labelledby="lab-unchanged" className="rounded-md border border-line bg-sunken/50 px-3 py-2">
      <h3 id="lab-unchanged" className="font-semibold">
        Had the rules not changed
      </h3>
      <p className="text-muted text-xs">{RULESETS[ruleset].title}</p>
      <p className="mt-1">
        {said}
        {only.length > 0 && ':'}
      </p>
      {only.length > 0 && (
        <ul className="text-muted text-xs tabular-nums">
          {only.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      <dl className="mt-1 grid grid-cols-[1fr_auto] gap-x-4 text-xs tabular-nums">
        {clocks.map(([title, left]) => (
          <div key={title} className="contents">
            <dt className="text-muted">{title}</dt>
            <dd>{left}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
