import { CircleCheck, CircleHelp, TriangleAlert } from 'lucide-react'
import { durationText, ruleTitle } from '../../server/hos/explain.ts'
import type { GappedEvaluation } from '../../server/hos/gaps.ts'
import { plural, zonedDateTime } from '../format.ts'
import { CLOCK_TITLE } from '../logs/clocks.ts'
import { StatusBadge } from '../logs/status-badge.tsx'
import { Broken } from './broken.tsx'

/** The answer in a few words, for who does not see it change. */
export const gapSummary = ({ proven, possible }: GappedEvaluation): string =>
  `${proven.length === 0 ? 'No violation proven' : `${proven.length} proven`}, ${
    possible.length === 0 ? 'none possible' : `${possible.length} possible`
  }`

/** "2 h to 5 h"; one time where both are the same. */
export const clockRange = ({ leastMs, mostMs }: { leastMs: number; mostMs: number }): string =>
  leastMs === mostMs ? durationText(leastMs) : `${durationText(leastMs)} to ${durationText(mostMs)}`

/** What can be said of a log in which some time is unknown: however it was spent, and in the worst and the best case. */
export function GapPanel({ evaluation, timeZone }: { evaluation: GappedEvaluation; timeZone: string }) {
  const { asOf, status, proven, possible, clocks } = evaluation
  return (
    <>
      <p className="text-muted tabular-nums">
        As of {zonedDateTime(asOf, timeZone)}:{' '}
        {status === null ? 'nothing is known of this moment.' : <StatusBadge status={status} />}
      </p>
      <section aria-labelledby="lab-proven">
        <h3 id="lab-proven" className="flex items-center gap-2 font-semibold">
          {proven.length === 0 ? (
            <CircleCheck aria-hidden className="size-4 text-good" />
          ) : (
            <TriangleAlert aria-hidden className="size-4 text-danger" />
          )}
          {proven.length === 0
            ? 'No violation proven'
            : plural(proven.length, 'proven violation', 'proven violations')}
        </h3>
        {proven.length > 0 && (
          <p className="text-muted text-xs">Broken however the unknown time was spent.</p>
        )}
        {proven.length > 0 && (
          <ol className="mt-2 flex flex-col gap-2">
            {proven.map((violation) => (
              <Broken key={`${violation.rule}${violation.from}`} violation={violation} timeZone={timeZone} />
            ))}
          </ol>
        )}
      </section>
      <section aria-labelledby="lab-possible">
        <h3 id="lab-possible" className="flex items-center gap-2 font-semibold">
          <CircleHelp aria-hidden className="size-4 text-warning" />
          {possible.length === 0
            ? 'No violation possible'
            : plural(possible.length, 'possible violation', 'possible violations')}
        </h3>
        {possible.length > 0 && (
          <p className="text-muted text-xs">
            Broken if the unknown time was spent badly: a question, no accusation.
          </p>
        )}
        {possible.length > 0 && (
          <ol className="mt-2 flex flex-col gap-2">
            {possible.map((violation) => (
              <Broken
                key={`${violation.rule}${violation.from}`}
                violation={violation}
                timeZone={timeZone}
                perhaps
              />
            ))}
          </ol>
        )}
      </section>
      <section aria-labelledby="lab-bounds">
        <h3 id="lab-bounds" className="font-semibold">
          Clocks, from the least to the most
        </h3>
        <ul className="mt-2 grid grid-cols-1 gap-x-6 gap-y-3 sm:grid-cols-2 xl:grid-cols-1">
          {clocks.map(({ name, rule, limitMs, leastMs, mostMs }) => (
            <li key={`${name}${rule}`}>
              <p className="flex items-baseline justify-between gap-3 tabular-nums">
                <span className="font-medium">{CLOCK_TITLE[name]}</span>
                <span>{clockRange({ leastMs, mostMs })}</span>
              </p>
              <Bar least={leastMs / limitMs} most={mostMs / limitMs} />
              <p className="mt-1 text-muted text-xs">
                of {durationText(limitMs)} · {ruleTitle(rule)}
              </p>
            </li>
          ))}
        </ul>
      </section>
      <p className="text-muted text-xs">What comes next is told once all of the time is known.</p>
    </>
  )
}

/** What is left for sure is full, what may be left is light. */
function Bar({ least, most }: { least: number; most: number }) {
  const percent = (part: number) => `${Math.min(1, part) * 100}%`
  return (
    <span aria-hidden className="relative mt-1 block h-1.5 overflow-hidden rounded-full bg-sunken">
      <span className="absolute inset-y-0 left-0 bg-warning-fill/40" style={{ width: percent(most) }} />
      <span className="absolute inset-y-0 left-0 bg-good-fill" style={{ width: percent(least) }} />
    </span>
  )
}
