import type { ReactNode } from 'react'
import type { RulesetId, Violation } from '../../server/hos/types.ts'
import { hoursMinutes, minutesThatAddUp } from '../../server/time/duration.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'
import { clockTime, dateTitle, hoursMinutesSpoken } from '../format.ts'
import { clockChange, hourLines, hoursOf, rowLines, ticks, UNIT } from '../logs/day-grid.tsx'
import { cx } from '../ui/classes.ts'
import type { LabDay } from './days.ts'
import type { Stretch } from './draw.ts'
import { borderWords, drawnRowsOf, isDashed, labWords, RULESETS, rowIndexOf, rowsOf } from './rulesets.ts'

const LINE = 'fill-none [vector-effect:non-scaling-stroke]'
/** Below this width of a column every third hour is named. */
/** The four rows that a duty status has, and the one under them for what is not known. */
const STATUS_HEIGHT = UNIT * 4
const HEIGHT = UNIT * 5
const SPARSE = '@max-[34rem]:hidden'

/**
 * One day of the lab as a graph grid: the rows of the ruleset, violations shaded, and grey what lies after the instant asked
 * about.
 * @param stretches what the log says of the day
 * @param tail where the last status goes on though nothing is said of it
 * @param over what lies over the drawing and takes the pointer
 */
export function LabGrid({
  day,
  ruleset,
  timeZone,
  stretches,
  tail,
  violations,
  possible,
  borders,
  asOf,
  cursor,
  over,
}: {
  day: LabDay
  ruleset: RulesetId
  timeZone: string
  stretches: readonly Stretch[]
  tail: Stretch | null
  violations: readonly Violation[]
  possible: readonly Violation[]
  borders: readonly LabBorder[]
  asOf: Instant | null
  cursor: Instant | null
  over: ReactNode
}) {
  const { from, until } = day
  const rows = drawnRowsOf(ruleset)
  const known = rowsOf(ruleset).length
  const minutes = (until - from) / MINUTE
  const x = (at: Instant) => (Math.min(Math.max(at, from), until) - from) / MINUTE
  const percent = (at: Instant) => `${(x(at) / minutes) * 100}%`
  const totals = minutesThatAddUp(
    rows.map((_, i) =>
      stretches
        .filter(({ status }) => rowIndexOf(ruleset, status) === i)
        .reduce((sum, stretch) => sum + stretch.until - stretch.from, 0),
    ),
  )
  const gaps = stretches.filter(({ status }) => status === 'UNKNOWN')
  const y = (stretch: Stretch) => UNIT * (rowIndexOf(ruleset, stretch.status) + 0.5)
  const change = clockChange(day)
  const crossed = borders.filter(({ at }) => at >= from && at < until)
  return (
    <div className="@container">
      <div className="grid grid-cols-[auto_1fr_auto] gap-x-2 text-xs md:gap-x-3">
        <div />
        <div aria-hidden className="relative h-5 text-2xs text-muted tabular-nums">
          {hoursOf({ from, until, driver: { timeZone } }).map(({ at, label }, i) => (
            <span
              key={at}
              className={cx(
                'absolute -translate-x-1/2 whitespace-nowrap',
                i % 3 !== 0 && SPARSE,
                /[MN]/.test(label) && 'font-semibold text-ink',
              )}
              style={{ left: percent(at) }}
            >
              {/* Two readings of an hour stand close; that the clocks changed is said below. */}
              {label.split(' ')[0]}
            </span>
          ))}
        </div>
        <div />
        <div className="grid h-36 grid-rows-5">
          {rows.map(({ status, title, short }, i) => (
            <span
              key={status}
              className={cx('flex items-center gap-1.5', status === 'UNKNOWN' && 'text-muted')}
            >
              <span aria-hidden className="w-2 text-2xs text-faint tabular-nums max-md:hidden">
                {i < known ? i + 1 : 'U'}
              </span>
              <span className="max-md:sr-only">{title}</span>
              <span aria-hidden className="md:hidden">
                {short}
              </span>
            </span>
          ))}
        </div>
        <div className="relative h-36">
          <svg
            role="img"
            aria-label={spoken(day, timeZone, stretches, crossed)}
            viewBox={`0 0 ${minutes} ${HEIGHT}`}
            preserveAspectRatio="none"
            className="size-full overflow-visible"
          >
            <rect width={minutes} height={HEIGHT} className="fill-surface" />
            {asOf !== null && asOf < until && (
              <rect x={x(asOf)} width={minutes - x(asOf)} height={HEIGHT} className="fill-sunken" />
            )}
            {gaps.map((gap) => (
              <rect
                key={gap.from}
                x={x(gap.from)}
                width={x(gap.until) - x(gap.from)}
                height={HEIGHT}
                className="fill-line-strong/25 stroke-line-strong [vector-effect:non-scaling-stroke]"
                strokeDasharray="1 3"
              />
            ))}
            {joined(possible).map(
              (violation) =>
                x(violation.until) > x(violation.from) && (
                  <path
                    key={violation.from}
                    d={`M${x(violation.from)} 0V${HEIGHT}H${x(violation.until)}V0Z`}
                    className="fill-warning-fill/15 stroke-warning-fill [vector-effect:non-scaling-stroke]"
                    strokeDasharray="1 4"
                  />
                ),
            )}
            {violations.map(
              (violation) =>
                x(violation.until) > x(violation.from) && (
                  <path
                    key={`${violation.rule}${violation.from}`}
                    d={`M${x(violation.from)} 0V${HEIGHT}H${x(violation.until)}V0Z`}
                    className="fill-danger-fill/20 stroke-danger-fill [vector-effect:non-scaling-stroke]"
                    strokeDasharray="3 3"
                  />
                ),
            )}
            <path d={ticks(minutes)} className={cx(LINE, 'stroke-line')} />
            <path d={hourLines(minutes)} className={cx(LINE, 'stroke-line-strong/45')} />
            <path d={rowLines(minutes)} className={cx(LINE, 'stroke-line-strong')} />
            <path
              d={`M0 ${STATUS_HEIGHT}V${HEIGHT}H${minutes}V${STATUS_HEIGHT}`}
              className={cx(LINE, 'stroke-line')}
            />
            {tail && (
              <path
                d={`M${x(tail.from)} ${y(tail)}H${x(tail.until)}`}
                strokeWidth={1.5}
                strokeDasharray="1 4"
                strokeLinecap="round"
                className={cx(LINE, 'stroke-faint')}
              />
            )}
            {stretches.map((stretch, i) => {
              const unknown = stretch.status === 'UNKNOWN'
              const earlier = stretches[i - 1]
              const before = earlier && earlier.status !== 'UNKNOWN' && !unknown ? earlier : stretch
              return (
                <path
                  key={stretch.from}
                  d={`M${x(stretch.from)} ${y(before)}V${y(stretch)}H${x(stretch.until)}`}
                  strokeWidth={2.5}
                  strokeDasharray={unknown ? '1 5' : isDashed(stretch.status) ? '5 4' : undefined}
                  strokeLinejoin="round"
                  strokeLinecap={unknown ? 'round' : 'square'}
                  className={cx(LINE, unknown ? 'stroke-muted' : 'stroke-ink')}
                />
              )
            })}
            {crossed.map(({ at }) => (
              // Dash and dot, as maps draw a border; a stroke is printed where a background is not.
              <path
                key={at}
                d={`M${x(at)} 0V${HEIGHT}`}
                strokeWidth={2}
                strokeDasharray="9 3 2 3"
                className={cx(LINE, 'stroke-accent')}
              />
            ))}
          </svg>
          {asOf !== null && asOf >= from && asOf <= until && (
            <span
              aria-hidden
              className="pointer-events-none absolute inset-y-0 w-px bg-line-strong"
              style={{ left: percent(asOf) }}
            />
          )}
          {cursor !== null && (
            <span
              aria-hidden
              className="pointer-events-none absolute -inset-y-1 -ml-px w-0.5 rounded bg-accent"
              style={{ left: percent(cursor) }}
            />
          )}
          {over}
        </div>
        <div className="grid h-36 min-w-9 grid-rows-5 text-right font-medium tabular-nums">
          {rows.map(({ status }, i) => (
            <span
              key={status}
              className={cx('flex items-center justify-end', status === 'UNKNOWN' && 'text-muted')}
            >
              {hoursMinutes(totals[i]! * MINUTE)}
            </span>
          ))}
        </div>
        {crossed.length > 0 && (
          <div aria-hidden className="col-start-2 flex flex-col">
            {crossed.map((border) => (
              <BorderLabel key={border.at} {...border} timeZone={timeZone} part={x(border.at) / minutes} />
            ))}
          </div>
        )}
      </div>
      {change && <p className="pt-1 text-2xs text-muted">{change}</p>}
    </div>
  )
}

/** Where the rules change. */
export interface LabBorder {
  at: Instant
  before: RulesetId
  after: RulesetId
}

/** Under a border's line: when, and which rules meet there. On the side where there is room. */
function BorderLabel({ at, before, after, timeZone, part }: LabBorder & { timeZone: string; part: number }) {
  const words = borderWords(before, after)
  const right = part > 0.5
  return (
    <span
      className={cx(
        'block min-w-0 border-accent pt-0.5 text-2xs text-ink leading-tight',
        right ? 'border-r-2 pr-1.5 text-right' : 'border-l-2 pl-1.5',
      )}
      style={right ? { marginRight: `${(1 - part) * 100}%` } : { marginLeft: `${part * 100}%` }}
    >
      {clockTime(at, timeZone)} {words.before} → {words.after}
    </span>
  )
}

/** Spans that meet as one: several rules that may be broken at once are shaded once. */
function joined(spans: readonly Violation[]): { from: Instant; until: Instant }[] {
  const found: { from: Instant; until: Instant }[] = []
  for (const { from, until } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1)
    if (last && from <= last.until) last.until = Math.max(last.until, until)
    else found.push({ from, until })
  }
  return found
}

/** The day for ears: what follows what. */
function spoken(
  day: LabDay,
  timeZone: string,
  stretches: readonly Stretch[],
  borders: readonly LabBorder[],
): string {
  const course = stretches.map(
    ({ from, until, status }) =>
      `${clockTime(from, timeZone)} ${labWords(status).toLowerCase()} for ${hoursMinutesSpoken(until - from)}`,
  )
  const changes = borders.map(
    ({ at, after }) => ` At ${clockTime(at, timeZone)} the rules change: ${RULESETS[after].title}.`,
  )
  return `${dateTitle(day.date)}: ${course.join(', ') || 'nothing in the log'}.${changes.join('')}`
}
