import type { ReactNode } from 'react'
import type { DutyStatus } from '../../server/hos/types.ts'
import type { DayLog } from '../../server/logs/schema.ts'
import { hoursMinutes, minutesThatAddUp } from '../../server/time/duration.ts'
import { HOUR, type Instant, MINUTE } from '../../server/time/instant.ts'
import { clockTime, hoursMinutesSpoken, zonedTime, zoneName } from '../format.ts'
import { cx } from '../ui/classes.ts'

export type GridRow = keyof DayLog['totals']
const ROWS: readonly { row: GridRow; title: string; short: string }[] = [
  { row: 'OFF', title: 'Off duty', short: 'Off' },
  { row: 'SB', title: 'Sleeper berth', short: 'Sleep' },
  { row: 'D', title: 'Driving', short: 'Drive' },
  { row: 'ON', title: 'On duty', short: 'On' },
]
/** One row is so many units of the drawing high; across it is measured in minutes. */
export const UNIT = 100
const ROW_INDEX: Record<DutyStatus, number> = {
  OFF: 0,
  PC: 0,
  REST: 0,
  SB: 1,
  FERRY: 1,
  D: 2,
  DRIVE: 2,
  ON: 3,
  YM: 3,
  WORK: 3,
  POA: 3,
}

/** The row of the grid that a status is drawn in (49 CFR 395.8(g)). */
export const rowOf = (status: DutyStatus): GridRow => ROWS[ROW_INDEX[status]]!.row

export interface Hour {
  at: Instant
  /** "M", "1" … "11", "N"; with the zone's name where the clocks have just changed. */
  label: string
}

/** The hours of a period from its start on: 23 or 25 of them where the clocks change, labelled as the clocks read. */
export function hoursOf({
  from,
  until,
  driver: { timeZone },
}: Pick<DayLog, 'from' | 'until'> & { driver: Pick<DayLog['driver'], 'timeZone'> }): Hour[] {
  const hours: Hour[] = []
  for (let at = from; at <= until; at += HOUR) {
    const hour = Number(clockTime(at, timeZone).slice(0, 2))
    const name = hour === 0 ? 'M' : hour === 12 ? 'N' : String(hour % 12)
    const changed = at > from && zoneName(at, timeZone) !== zoneName(at - HOUR, timeZone)
    hours.push({ at, label: changed && at < until ? `${name} ${zoneName(at, timeZone)}` : name })
  }
  return hours
}

/** The words on a day that has not 24 hours; null on all others. */
export function clockChange({ from, until }: Pick<DayLog, 'from' | 'until'>): string | null {
  const hours = Math.round((until - from) / HOUR)
  return hours === 24 ? null : `Clocks changed: ${hours}-hour day`
}

/**
 * The graph grid of 49 CFR 395.8(g): a row a status, a column an hour, one continuous line from the first instant to the
 * last, drawn to the second. Colour only repeats what place, hatching and words say: it is faxed and printed in black.
 * @param cursor an instant to mark
 * @param over what lies over the drawing and takes the pointer
 */
export function DayGrid({ day, cursor, over }: { day: DayLog; cursor?: Instant | null; over?: ReactNode }) {
  const { from, until } = day
  const minutes = (until - from) / MINUTE
  const totals = minutesThatAddUp(ROWS.map(({ row }) => day.totals[row]))
  const percent = (at: Instant) => `${((at - from) / (until - from)) * 100}%`
  const line = 'fill-none [vector-effect:non-scaling-stroke]'
  return (
    <div className="grid grid-cols-[auto_1fr_auto] gap-x-2 text-xs md:gap-x-3">
      <div />
      <div aria-hidden className="relative h-5 text-2xs text-muted tabular-nums">
        {hoursOf(day).map(({ at, label }, i) => (
          <span
            key={at}
            className={cx(
              'absolute -translate-x-1/2 whitespace-nowrap',
              i % 3 !== 0 && 'max-md:hidden',
              /[MN]/.test(label) && 'font-semibold text-ink',
            )}
            style={{ left: percent(at) }}
          >
            {label}
          </span>
        ))}
      </div>
      <div className="self-end pb-1 text-right text-2xs text-muted">Total</div>

      <Labels>
        {ROWS.map(({ row, title, short }) => (
          <span key={row} className="flex items-center">
            <span className="max-md:sr-only">{title}</span>
            <span aria-hidden className="md:hidden">
              {short}
            </span>
          </span>
        ))}
      </Labels>
      <div className="relative h-36">
        <svg
          role="img"
          aria-label={spoken(day, totals)}
          viewBox={`0 0 ${minutes} ${UNIT * 4}`}
          preserveAspectRatio="none"
          className="size-full overflow-visible"
        >
          <title>{`Duty status, ${day.date}`}</title>
          <rect width={minutes} height={UNIT * 4} className="fill-surface" />
          <rect
            x={(day.recordedUntil - from) / MINUTE}
            width={(until - day.recordedUntil) / MINUTE}
            height={UNIT * 4}
            className="fill-sunken"
          />
          {day.violations.map((violation) => {
            const begins = Math.max(violation.from, from)
            const ends = Math.min(violation.until, day.recordedUntil)
            return (
              ends > begins && (
                <path
                  key={`${violation.rule}${violation.from}`}
                  d={`M${(begins - from) / MINUTE} 0V${UNIT * 4}H${(ends - from) / MINUTE}V0Z`}
                  className="fill-danger-fill/20 stroke-danger-fill [vector-effect:non-scaling-stroke]"
                  strokeDasharray="3 3"
                />
              )
            )
          })}
          <path d={ticks(minutes)} className={cx(line, 'stroke-line')} />
          <path d={hourLines(minutes)} className={cx(line, 'stroke-line-strong/45')} />
          <path d={rowLines(minutes)} className={cx(line, 'stroke-line-strong')} />
          {strokes(day).map(({ d, dashed, key }) => (
            <path
              key={key}
              d={d}
              strokeWidth={2.5}
              strokeDasharray={dashed ? '5 4' : undefined}
              strokeLinejoin="round"
              className={cx(line, 'stroke-ink')}
            />
          ))}
        </svg>
        {cursor != null && (
          <span
            aria-hidden
            className="pointer-events-none absolute inset-y-0 w-px bg-accent"
            style={{ left: percent(cursor) }}
          />
        )}
        {over}
      </div>
      <Labels className="text-right font-medium tabular-nums">
        {ROWS.map(({ row }, i) => (
          <span key={row} className="flex items-center justify-end">
            {hoursMinutes(totals[i]! * MINUTE)}
          </span>
        ))}
      </Labels>

      <div />
      <div className="pt-1 text-2xs text-muted">{clockChange(day)}</div>
      <div className="pt-1 text-right font-semibold tabular-nums">
        <span className="sr-only">Together </span>
        {hoursMinutes(totals.reduce((sum, minutes) => sum + minutes, 0) * MINUTE)}
      </div>
    </div>
  )
}

function Labels({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cx('grid h-36 grid-rows-4', className)}>{children}</div>
}

/** The grid for ears: totals first, then what follows what. */
function spoken(day: DayLog, totals: readonly number[]): string {
  const { timeZone } = day.driver
  const sums = ROWS.map(({ title }, i) => `${title} ${hoursMinutesSpoken(totals[i]! * MINUTE)}`).join(', ')
  const course = day.segments
    .map(({ from, status }) => `${clockTime(from, timeZone)} ${ROWS[ROW_INDEX[status]]!.title.toLowerCase()}`)
    .join(', ')
  return `${sums}. From ${zonedTime(day.from, timeZone)}: ${course}.`
}

/** The line in strokes: personal use and yard moves are dashed, so they and their neighbours are strokes of their own. */
function strokes(day: DayLog): { d: string; dashed: boolean; key: number }[] {
  const x = (at: Instant) => ((at - day.from) / MINUTE).toFixed(2)
  const found: { d: string; dashed: boolean; key: number }[] = []
  let before: number | null = null
  for (const { from, until, status } of day.segments) {
    const dashed = status === 'PC' || status === 'YM'
    const y = UNIT * (ROW_INDEX[status] + 0.5)
    const last = found.at(-1)
    const course = `V${y}H${x(until)}`
    if (last && last.dashed === dashed) last.d += course
    else found.push({ d: `M${x(from)} ${before ?? y}${course}`, dashed, key: from })
    before = y
  }
  return found
}

/** Short ticks at the quarters, longer ones at the half hours, hanging from the top of each row. */
export function ticks(minutes: number): string {
  let d = ''
  for (let row = 0; row < 4; row++) {
    for (let minute = 15; minute < minutes; minute += 15) {
      if (minute % 60 !== 0) d += `M${minute} ${row * UNIT}v${minute % 30 === 0 ? UNIT / 2 : UNIT / 4}`
    }
  }
  return d
}

/** The hours as upright lines. */
export function hourLines(minutes: number): string {
  let d = ''
  for (let minute = 60; minute < minutes; minute += 60) d += `M${minute} 0V${UNIT * 4}`
  return d
}

/** The frame and what parts the rows. */
export const rowLines = (minutes: number) =>
  `M0 0H${minutes}V${UNIT * 4}H0Z${[1, 2, 3].map((row) => `M0 ${row * UNIT}H${minutes}`).join('')}`
