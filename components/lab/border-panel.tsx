import { durationText, ruleTitle } from '../../server/hos/explain.ts'
import type { Evaluation } from '../../server/hos/types.ts'
import { plural, zonedDateTime } from '../format.ts'
import { CLOCK_TITLE } from '../logs/clocks.ts'
import type { Unchanged } from './question.ts'
import { RULESETS } from './rulesets.ts'

/** The other answer: what would hold had the last border not been crossed. */
export function BorderPanel({
  crossed,
  unchanged,
  timeZone,
}: {
  crossed: Evaluation
  unchanged: Unchanged
  timeZone: string
}) {
  const { ruleset, evaluation } = unchanged
  const { violations, clocks } = evaluation
  const only = violations.filter(
    (one) => !crossed.violations.some(({ rule, from }) => rule === one.rule && from === one.from),
  )
  return (
    <section aria-labelledby="lab-unchanged" className="rounded-md border border-line bg-sunken/50 px-3 py-2">
      <h3 id="lab-unchanged" className="font-semibold">
        Had the rules not changed
      </h3>
      <p className="text-muted text-xs">{RULESETS[ruleset].title}</p>
      <p className="mt-1">
        {violations.length === 0 ? 'No violation' : plural(violations.length, 'violation', 'violations')}
        {only.length > 0 && ':'}
      </p>
      {only.length > 0 && (
        <ul className="text-muted text-xs tabular-nums">
          {only.map(({ rule, from, until }) => (
            <li key={`${rule}${from}`}>
              {ruleTitle(rule)}, {zonedDateTime(from, timeZone)}, {durationText(until - from)}
            </li>
          ))}
        </ul>
      )}
      <dl className="mt-1 grid grid-cols-[1fr_auto] gap-x-4 text-xs tabular-nums">
        {clocks.map(({ name, rule, remainingMs }) => (
          <div key={`${name}${rule}`} className="contents">
            <dt className="text-muted">{CLOCK_TITLE[name]}</dt>
            <dd>{durationText(remainingMs)}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
