'use client'
import { useMemo, useState } from 'react'
import { durationText, explain, ruleTitle } from '../../server/hos/explain.ts'
import { type Course, type Driving, whatIf } from '../../server/hos/forecast.ts'
import { HosRefusal } from '../../server/hos/types.ts'
import type { Instant } from '../../server/time/instant.ts'
import { zonedDateTime } from '../format.ts'
import { costText, pairText, restWords } from '../logs/advice-words.ts'
import { CLOCK_TITLE } from '../logs/clocks.ts'
import { TextField } from '../ui/field.tsx'
import { aheadOf, parsePlan } from './ahead.ts'

/** The plan as it was typed; it stands in the link. */
export interface Planned {
  plan: string
  onPlan(plan: string): void
}

/** What may be done from the instant asked about on: rests, hours that come back, and a plan held against the rules. */
export function AheadPanel({ course, plan, onPlan }: { course: Course } & Planned) {
  // Each part evaluates the log many times, so it waits until somebody looks.
  const [open, setOpen] = useState(plan !== '')
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="cursor-pointer font-semibold">What comes next</summary>
      {open && <Opened course={course} plan={plan} onPlan={onPlan} />}
    </details>
  )
}

function Opened({ course, plan, onPlan }: { course: Course } & Planned) {
  const ahead = useMemo(() => aheadOf(course), [course])
  const time = (at: Instant) => zonedDateTime(at, course.options.timeZone)
  if (!ahead) return <p className="mt-2 text-muted">The log is too long to be looked ahead from.</p>
  const { advice, back } = ahead
  return (
    <div className="mt-2 flex flex-col gap-4 tabular-nums">
      <section>
        <h3 className="font-semibold">Which rest to take</h3>
        <ul className="mt-1 flex flex-col gap-1 text-muted">
          <li>Without a rest: {drivingText(advice.now, time)}.</li>
          {advice.rests.map((rest) => (
            <li key={`${rest.status}${rest.ms}`}>
              {restWords(rest)} {durationText(rest.ms)}, until {time(rest.until)}
              {rest.pairedWith && `, paired with the rest ending ${time(rest.pairedWith.until)}`}: then{' '}
              {drivingText(rest.driving, time)}.{rest.cost && ` ${costText(rest.cost, time)}`}
            </li>
          ))}
          {advice.pairs.map((pair) => (
            <li key={`${pair.kind}${pair.first.from}`}>
              {pairText(pair, time)}: then {drivingText(pair.driving, time)}.
              {pair.cost && ` ${costText(pair.cost, time)}`}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h3 className="font-semibold">Hours that come back at rest</h3>
        {back.length === 0 && <p className="mt-1 text-muted">None in the next three days.</p>}
        <ul className="mt-1 flex flex-col gap-1 text-muted">
          {back.map(({ at, restedMs, clocks }) => (
            <li key={at}>
              {time(at)}, after {durationText(restedMs)}:{' '}
              {clocks
                .map((clock) => `${CLOCK_TITLE[clock.name]} ${durationText(clock.remainingMs)}`)
                .join(', ')}
            </li>
          ))}
        </ul>
      </section>
      <WhatIf course={course} time={time} plan={plan} onPlan={onPlan} />
    </div>
  )
}

const drivingText = ({ ms, until, limitedBy }: Driving, time: (at: Instant) => string) =>
  `${durationText(ms)} of driving until ${time(until)}${limitedBy ? ` (${ruleTitle(limitedBy)})` : ''}`

function WhatIf({
  course,
  time,
  plan: text,
  onPlan,
}: { course: Course; time: (at: Instant) => string } & Planned) {
  const plan = parsePlan(text)
  const answer = useMemo(() => {
    const read = parsePlan(text)
    if ('fault' in read || read.steps.length === 0) return null
    try {
      return whatIf(course, read.steps)
    } catch (error) {
      if (error instanceof HosRefusal) return error
      throw error
    }
  }, [course, text])
  return (
    <section>
      <h3 className="mb-1 font-semibold">What if</h3>
      <TextField
        label="A plan from here on, such as D 4h, ON 1h, D 6h"
        value={text}
        error={'fault' in plan ? plan.fault : undefined}
        onChange={(event) => onPlan(event.target.value)}
      />
      <div role="status" className="mt-1 text-muted">
        {answer instanceof HosRefusal && answer.message}
        {answer !== null && !(answer instanceof HosRefusal) && (
          <>
            {answer.legal ? 'Legal' : 'Not legal'}, done at {time(answer.finishedAt)}.
            {answer.violations.map((violation) => (
              <p key={`${violation.rule}${violation.from}`}>{explain(violation, course.options.timeZone)}</p>
            ))}
          </>
        )}
      </div>
    </section>
  )
}
