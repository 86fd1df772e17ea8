'use client'
import { CircleCheck, FlaskConical, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { durationText, explain, ruleTitle } from '../../server/hos/explain.ts'
import type { Evaluation, RulesetId } from '../../server/hos/types.ts'
import type { Instant } from '../../server/time/instant.ts'
import { lasting, plural, zonedDateTime } from '../format.ts'
import { ClockMeter } from '../logs/clock-meter.tsx'
import { readClocks } from '../logs/clocks.ts'
import { StatusBadge } from '../logs/status-badge.tsx'
import { Button } from '../ui/button.tsx'
import { AheadPanel, type Planned } from './ahead-panel.tsx'
import { BorderPanel, GappedBorderPanel } from './border-panel.tsx'
import { Broken } from './broken.tsx'
import { GapPanel, gapSummary } from './gap-panel.tsx'
import { type Answer, sentence } from './question.ts'
import { RULESETS } from './rulesets.ts'

/** What the engine says, or why it says nothing. */
export function AnswerPanel({
  answer,
  timeZone,
  ruleset,
  plan,
  onPlan,
  onTranslate,
}: {
  answer: Answer
  timeZone: string
  ruleset: RulesetId
  onTranslate(): void
} & Planned) {
  const now =
    answer.kind === 'judged' ? answer.course.ruleset : answer.kind === 'gapped' ? answer.ruleset : ruleset
  return (
    <section
      aria-labelledby="lab-answer"
      className="flex min-w-0 flex-col gap-4 rounded-lg border border-line bg-surface p-4"
    >
      <div>
        <h2 id="lab-answer" className="font-semibold">
          Answer
        </h2>
        <p className="text-muted text-xs">{RULESETS[now].title}</p>
      </div>
      <p role="status" className="sr-only">
        {summary(answer)}
      </p>
      {answer.kind === 'judged' ? (
        <>
          <Judged evaluation={answer.evaluation} timeZone={timeZone} />
          {answer.unchanged && (
            <BorderPanel crossed={answer.evaluation} unchanged={answer.unchanged} timeZone={timeZone} />
          )}
          <AheadPanel course={answer.course} plan={plan} onPlan={onPlan} />
        </>
      ) : answer.kind === 'gapped' ? (
        <>
          <GapPanel evaluation={answer.evaluation} timeZone={timeZone} />
          {answer.unchanged && (
            <GappedBorderPanel crossed={answer.evaluation} unchanged={answer.unchanged} timeZone={timeZone} />
          )}
        </>
      ) : (
        <Unjudged answer={answer} onTranslate={onTranslate} />
      )}
    </section>
  )
}

/** The answer in a few words, for who does not see it change. */
function summary(answer: Answer): string {
  switch (answer.kind) {
    case 'judged':
      return answer.evaluation.violations.length === 0
        ? 'No violation'
        : plural(answer.evaluation.violations.length, 'violation', 'violations')
    case 'gapped':
      return gapSummary(answer.evaluation)
    case 'empty':
      return ''
    default:
      return 'Not judged'
  }
}

function Unjudged({
  answer,
  onTranslate,
}: {
  answer: Exclude<Answer, { kind: 'judged' | 'gapped' }>
  onTranslate(): void
}) {
  switch (answer.kind) {
    case 'empty':
      return (
        <Said icon={<FlaskConical aria-hidden className="size-4 text-faint" />} title="Nothing to judge yet">
          Paste a log, draw one along the rows of a day, or start from a sample. Violations, clocks and the
          next change appear here as you type. Nothing leaves this browser.
        </Said>
      )
    case 'unread': {
      const parts = [
        answer.lines > 0 && `${plural(answer.lines, 'line', 'lines')} of the log`,
        answer.fields > 0 && plural(answer.fields, 'field', 'fields'),
      ].filter(Boolean)
      return (
        <Said icon={WARNS} title="Not judged">
          {parts.join(' and ')} can’t be read, and a question is judged as a whole or not at all.
          {answer.lines > 0 && ' What could be read of the log is drawn.'}
        </Said>
      )
    }
    case 'refused':
      return (
        <Said icon={WARNS} title="Not judged: the engine refuses this log">
          <p>
            {answer.where && <span className="font-semibold">{answer.where}: </span>}
            {sentence(answer.reason)}
          </p>
          {answer.code === 'wrong-jurisdiction' && (
            <Button size="small" className="mt-2" onClick={onTranslate}>
              Use the statuses of these rules
            </Button>
          )}
        </Said>
      )
    case 'broken':
      return (
        <Said icon={WARNS} title="The engine failed">
          That is a bug. Please copy the link and report it: {answer.reason}
        </Said>
      )
  }
}

const WARNS = <TriangleAlert aria-hidden className="size-4 text-warning" />

function Said({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <div>
      <p className="flex items-center gap-2 font-semibold">
        {icon}
        {title}
      </p>
      <div className="mt-1 text-muted">{children}</div>
    </div>
  )
}

function Judged({ evaluation, timeZone }: { evaluation: Evaluation; timeZone: string }) {
  const { asOf, status, statusSince, violations, nextChangeAt } = evaluation
  const time = (at: Instant) => zonedDateTime(at, timeZone)
  return (
    <>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 tabular-nums">
        <Fact name="As of">{time(asOf)}</Fact>
        <Fact name="Status">
          <span className="flex flex-wrap items-center gap-x-2">
            <StatusBadge status={status} />
            {lasting(asOf - statusSince)}, since {time(statusSince)}
          </span>
        </Fact>
        <Fact name="Next change">
          {nextChangeAt === null ? 'None without a new event' : time(nextChangeAt)}
        </Fact>
      </dl>
      <div>
        <h3 className="flex items-center gap-2 font-semibold">
          {violations.length === 0 ? (
            <>
              <CircleCheck aria-hidden className="size-4 text-good" />
              No violation
            </>
          ) : (
            <>
              <TriangleAlert aria-hidden className="size-4 text-danger" />
              {plural(violations.length, 'violation', 'violations')}
            </>
          )}
        </h3>
        {violations.length > 0 && (
          <ol className="mt-2 flex flex-col gap-2">
            {violations.map((violation) => (
              <Broken key={`${violation.rule}${violation.from}`} violation={violation} timeZone={timeZone} />
            ))}
          </ol>
        )}
      </div>
      <Clocks evaluation={evaluation} timeZone={timeZone} />
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Clocks({ evaluation, timeZone }: { evaluation: Evaluation; timeZone: string }) {
  const { asOf, clocks } = evaluation
  const violations = evaluation.violations.map((violation) => ({
    ...violation,
    title: ruleTitle(violation.rule),
    explanation: explain(violation, timeZone),
    citation: violation.explanation.citation,
  }))
  const readings = readClocks({ clocks: [...clocks], violations, evaluatedAt: asOf }, asOf)
  return (
    <div>
      <h3 className="font-semibold">Clocks</h3>
      <ul className="mt-2 grid grid-cols-1 gap-x-6 gap-y-3 sm:grid-cols-2 xl:grid-cols-1">
        {clocks.map((clock, i) => (
          <li key={`${clock.name}${clock.rule}`}>
            <ClockMeter reading={readings[i]!} title />
            <p className="mt-1 text-muted text-xs tabular-nums">
              of {durationText(clock.limitMs)} · {running(clock.running, clock.runsOutAt, timeZone)}
            </p>
            <p className="text-faint text-xs">{ruleTitle(clock.rule)}</p>
          </li>
        ))}
      </ul>
    </div>
  )
}

function running(runs: boolean, runsOutAt: Instant | null, timeZone: string): string {
  if (!runs) return 'not running'
  return runsOutAt === null
    ? 'running, does not run out'
    : `running, runs out ${zonedDateTime(runsOutAt, timeZone)}`
}
