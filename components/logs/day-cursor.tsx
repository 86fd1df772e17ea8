'use client'
import { type KeyboardEvent, type PointerEvent, useState } from 'react'
import type { DayLog } from '../../server/logs/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'
import { lasting, zonedTime } from '../format.ts'
import { STATUS_WORDS } from './clocks.ts'
import { DayGrid, rowOf } from './day-grid.tsx'

/** The grid with a cursor: the pointer or the arrow keys move it, and a line above says what held then. */
export function DayGridWithCursor({ day }: { day: DayLog }) {
  const [at, setAt] = useState<Instant | null>(null)
  const cursor = at === null ? null : Math.min(Math.max(at, day.from), day.recordedUntil)
  const words = cursor === null ? null : saying(day, cursor)
  const byPointer = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    const minutes = Math.round((((event.clientX - left) / width) * (day.until - day.from)) / MINUTE)
    setAt(day.from + minutes * MINUTE)
  }
  const byKey = (event: KeyboardEvent) => {
    const next = stepped(day, cursor ?? day.recordedUntil, event)
    if (next === null) return
    event.preventDefault()
    setAt(next)
  }
  return (
    <div>
      <p className="mb-2 min-h-10 text-muted md:min-h-5 tabular-nums" aria-hidden>
        {words ?? 'Point at the grid, or use the arrow keys on it, to read a time.'}
      </p>
      <DayGrid
        day={day}
        cursor={cursor}
        over={
          <div
            role="slider"
            tabIndex={0}
            aria-label="Time of day"
            aria-valuemin={0}
            aria-valuemax={Math.round((day.recordedUntil - day.from) / MINUTE)}
            aria-valuenow={Math.round(((cursor ?? day.recordedUntil) - day.from) / MINUTE)}
            aria-valuetext={words ?? saying(day, day.recordedUntil)}
            className="absolute inset-0 cursor-crosshair touch-pan-y"
            onPointerMove={byPointer}
            onPointerDown={byPointer}
            onPointerLeave={(event) => event.pointerType === 'mouse' && setAt(null)}
            onKeyDown={byKey}
          />
        }
      />
    </div>
  )
}

/** A quarter of an hour a key, a minute with Shift; Page keys go from change to change. */
function stepped(day: DayLog, at: Instant, { key, shiftKey }: KeyboardEvent): Instant | null {
  const step = shiftKey ? MINUTE : 15 * MINUTE
  const within = (instant: Instant) => Math.min(Math.max(instant, day.from), day.recordedUntil)
  const changes = day.segments.map(({ from }) => from)
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return within(at - step)
    case 'ArrowRight':
    case 'ArrowUp':
      return within(at + step)
    case 'PageUp':
      return changes.findLast((change) => change < at) ?? day.from
    case 'PageDown':
      return changes.find((change) => change > at) ?? day.recordedUntil
    case 'Home':
      return day.from
    case 'End':
      return day.recordedUntil
    default:
      return null
  }
}

/** "14:25 CST: Driving for 2:10 · 5:40 driving this day · over the 11-hour driving limit" */
function saying(day: DayLog, at: Instant): string {
  const holds = day.segments.findLast(({ from }) => from <= at)
  if (!holds) return zonedTime(at, day.driver.timeZone)
  const row = rowOf(holds.status)
  const soFar = day.segments
    .filter(({ from, status }) => rowOf(status) === row && from < at)
    .reduce((sum, { from, until }) => sum + Math.min(until, at) - from, 0)
  const broken = day.violations.filter(({ from, until }) => from <= at && at <= until)
  return [
    `${zonedTime(at, day.driver.timeZone)}: ${STATUS_WORDS[holds.status]} ${at - holds.from < MINUTE ? 'begins' : lasting(at - holds.from)}`,
    `${hoursMinutes(soFar)} ${STATUS_WORDS[holds.status].toLowerCase()} this day`,
    ...broken.map(({ title }) => `over the ${title}`),
  ].join(' · ')
}
