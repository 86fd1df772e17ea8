import { durationText, explain, ruleTitle } from '../../server/hos/explain.ts'
import type { Violation } from '../../server/hos/types.ts'
import { MINUTE } from '../../server/time/instant.ts'
import { zonedDateTime } from '../format.ts'
import { cx } from '../ui/classes.ts'

/** One violation with the sentence behind it; `perhaps` where a gap leaves it open. */
export function Broken({
  violation,
  timeZone,
  perhaps = false,
}: {
  violation: Violation
  timeZone: string
  perhaps?: boolean
}) {
  const { rule, from, until } = violation
  return (
    <li
      className={cx(
        'rounded-md border px-3 py-2',
        perhaps
          ? 'border-warning-fill/50 bg-warning-soft text-warning'
          : 'border-danger-fill/50 bg-danger-soft text-danger',
      )}
    >
      <p className="font-semibold">{ruleTitle(rule)}</p>
      <p className="text-xs tabular-nums">
        {perhaps ? 'at some time from ' : ''}
        {zonedDateTime(from, timeZone)}
        {until - from >= MINUTE && ` to ${zonedDateTime(until, timeZone, from)}`}
        {!perhaps && until - from >= MINUTE && `, ${durationText(until - from)}`}
      </p>
      <p className="mt-1">{perhaps ? violation.explanation.citation : explain(violation, timeZone)}</p>
    </li>
  )
}
