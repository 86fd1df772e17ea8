'use client'
import { ChevronsDown, Plus, Undo2 } from 'lucide-react'
import { type KeyboardEvent, type PointerEvent, useId, useRef, useState } from 'react'
import { ruleTitle } from '../../server/hos/explain.ts'
import type { GapEvent } from '../../server/hos/gaps.ts'
import type { RulesetId, Violation } from '../../server/hos/types.ts'
import { DAY, type Instant, MINUTE } from '../../server/time/instant.ts'
import type { Zone } from '../../server/time/zone.ts'
import { dateTitle, lasting, plural, zonedTime } from '../format.ts'
import { BlockedButton } from '../shell/may-button.tsx'
import { Button } from '../ui/button.tsx'
import { Kbd } from '../ui/kbd.tsx'
import { daysBetween, type LabDay, snapped, stepped } from './days.ts'
import { drawFrom, drawStretch, type LabStatus, removeChange, type Stretch, stretchesOf } from './draw.ts'
import { type LabBorder, LabGrid } from './lab-grid.tsx'
import { borderWords, drawnRowsOf, labWords } from './rulesets.ts'

/** More days than this are drawn when asked for. */
const SHOWN_DAYS = 16

export interface DrawingProps {
  /** In order of time; while the pointer draws, as it would be. */
  log: readonly GapEvent[]
  /** As it is: its days stay where they are while the pointer draws. */
  settled: readonly GapEvent[]
  ruleset: RulesetId
  zone: Zone
  dayStartMinutes: number
  asOf: Instant | null
  violations: readonly Violation[]
  /** What a gap may have broken. */
  possible: readonly Violation[]
  /** Where the rules change. */
  borders: readonly LabBorder[]
  /** Where an empty log is drawn. */
  today: Instant
  /** Why it can't be drawn in, if it can't. */
  locked: string | null
  /** While the pointer draws: the log as it would be; null when it is let go or given up. */
  onPreview(log: GapEvent[] | null): void
  onDraw(log: GapEvent[]): void
  onUndo: (() => void) | null
}

/** The days of the log, newest first, to look at and to draw in. */
export function Drawing(props: DrawingProps) {
  const { log, settled, ruleset, zone, dayStartMinutes, asOf, violations, today, locked, onUndo } = props
  const id = useId()
  const [added, setAdded] = useState({ before: 0, after: 0 })
  const [shown, setShown] = useState(SHOWN_DAYS)
  const [cursor, setCursor] = useState<Instant | null>(null)
  const [pointed, setPointed] = useState<Instant | null>(null)

  const ends = [settled[0]?.at, settled.at(-1)?.at, asOf].filter((at) => at != null)
  const [first, last] = ends.length > 0 ? [Math.min(...ends), Math.max(...ends)] : [today, today]
  const { days, leftOut } = daysBetween(
    first - added.before * DAY,
    // What ends at midnight opens no day.
    Math.max(first, last - 1) + added.after * DAY,
    zone,
    dayStartMinutes,
    shown + added.before + added.after,
  )
  const end = Math.max(asOf ?? Number.NEGATIVE_INFINITY, log.at(-1)?.at ?? Number.NEGATIVE_INFINITY)
  const at = pointed ?? cursor
  const sliderId = (day: LabDay) => `${id}-${day.date}`

  const move = (to: Instant) => {
    const within = Math.min(Math.max(to, days.at(-1)!.from), days[0]!.until)
    setCursor(within)
    const day = days.find((one) => one.from <= within) ?? days.at(-1)!
    document.getElementById(sliderId(day))?.focus()
  }
  return (
    <section
      aria-labelledby={`${id}-title`}
      className="flex min-w-0 flex-col gap-3 rounded-lg border border-line bg-surface p-4"
    >
      <div className="flex items-center gap-2">
        <h2 id={`${id}-title`} className="flex-1 font-semibold">
          Drawing
        </h2>
        <BlockedButton
          why={onUndo ? null : 'Nothing has been changed yet.'}
          size="small"
          tone="quiet"
          onClick={() => onUndo?.()}
        >
          <Undo2 aria-hidden className="size-3.5" />
          Undo
        </BlockedButton>
        <Button size="small" tone="quiet" onClick={() => setAdded({ ...added, after: added.after + 1 })}>
          <Plus aria-hidden className="size-3.5" />
          Day after
        </Button>
      </div>
      <div id={`${id}-help`} className="-mt-2 text-muted text-xs">
        {locked ?? (
          <>
            Drag along a row to set its status, along the last one where nothing is known.
            <span className="max-md:hidden">
              {' '}
              <Kbd>←</Kbd> <Kbd>→</Kbd> move the cursor, <Kbd>1</Kbd>–<Kbd>4</Kbd> set the row’s status up to
              the next change, <Kbd>U</Kbd> sets unknown, <Kbd>Del</Kbd> takes a change away. <Kbd>Shift</Kbd>{' '}
              goes by minutes.
            </span>
          </>
        )}
      </div>
      <p aria-hidden className="min-h-5 truncate tabular-nums">
        {at === null ? (
          <span className="text-faint">Point at a day to read a time.</span>
        ) : (
          reading(props, end, at)
        )}
      </p>
      <ol className="flex flex-col gap-5">
        {days.map((day, i) => {
          const holds = cursor !== null && cursor >= day.from && (cursor < day.until || i === 0)
          return (
            <li key={day.date}>
              <h3 className="mb-1 font-medium text-xs">{dateTitle(day.date)}</h3>
              <LabGrid
                day={day}
                ruleset={ruleset}
                timeZone={zone.name}
                stretches={stretchesOf(log, day, end)}
                tail={tailOf(log, day, end)}
                violations={violations}
                possible={props.possible}
                borders={props.borders}
                asOf={asOf}
                cursor={holds && cursor <= day.until ? cursor : null}
                over={
                  <Sheet
                    {...props}
                    id={sliderId(day)}
                    helpId={`${id}-help`}
                    day={day}
                    cursor={holds ? Math.min(cursor, day.until) : null}
                    words={(instant) => reading(props, end, instant)}
                    onMove={move}
                    onEnter={() =>
                      setCursor((now) =>
                        now !== null && now >= day.from && now <= day.until ? now : day.from,
                      )
                    }
                    onPoint={setPointed}
                  />
                }
              />
            </li>
          )
        })}
      </ol>
      <div>
        {leftOut > 0 ? (
          <Button size="small" tone="quiet" onClick={() => setShown(shown + SHOWN_DAYS)}>
            <ChevronsDown aria-hidden className="size-3.5" />
            {plural(leftOut, 'earlier day', 'earlier days')}
          </Button>
        ) : (
          <Button size="small" tone="quiet" onClick={() => setAdded({ ...added, before: added.before + 1 })}>
            <Plus aria-hidden className="size-3.5" />
            Day before
          </Button>
        )}
      </div>
    </section>
  )
}

/** The last status where nothing more is said of it: dotted, up to the day's end. */
function tailOf(log: readonly GapEvent[], day: LabDay, end: Instant): Stretch | null {
  const last = log.at(-1)
  const from = Math.max(end, day.from)
  return last && from < day.until ? { from, until: day.until, status: last.status } : null
}

/** "18:15 CST: Driving for 3:15 · over the 11-hour driving limit" */
function reading(
  {
    log,
    zone,
    violations,
    possible,
    borders,
  }: Pick<DrawingProps, 'log' | 'zone' | 'violations' | 'possible' | 'borders'>,
  end: Instant,
  at: Instant,
): string {
  const event = log.findLast((one) => one.at <= at)
  const here = ({ from, until }: Violation) => from <= at && at <= until
  const state = event
    ? `${labWords(event.status)} ${at - event.at < MINUTE ? 'begins' : lasting(at - event.at)}${at > end ? ', if it goes on' : ''}`
    : 'before the log'
  const over = violations.filter(here).map(({ rule }) => ` · ${ruleTitle(rule)} passed`)
  const maybe = possible.filter(here).map(({ rule }) => ` · ${ruleTitle(rule)} perhaps passed`)
  const crossed = borders
    .filter((border) => border.at === at)
    .map(({ before, after }) => ` · ${borderWords(before, after).after} from here on`)
  return `${zonedTime(at, zone.name)}: ${state}${[...crossed, ...over, ...maybe].join('')}`
}

/** What lies over a day and takes pointer and keys: a slider for the time, whose number keys draw. */
function Sheet({
  id,
  helpId,
  day,
  log,
  ruleset,
  cursor,
  locked,
  words,
  onMove,
  onEnter,
  onPoint,
  onPreview,
  onDraw,
  onUndo,
}: Omit<
  DrawingProps,
  'settled' | 'violations' | 'possible' | 'borders' | 'asOf' | 'today' | 'zone' | 'dayStartMinutes'
> & {
  id: string
  helpId: string
  day: LabDay
  cursor: Instant | null
  words(at: Instant): string
  onMove(at: Instant): void
  onEnter(): void
  onPoint(at: Instant | null): void
}) {
  const rows = drawnRowsOf(ruleset)
  const before = rows[0]!.status
  const lastRow = rows.length - 1
  /** Where the pointer went down, in the log as it was then, and what it has drawn since. */
  const drag = useRef<{
    from: Instant
    status: LabStatus
    log: readonly GapEvent[]
    drawn: GapEvent[] | null
  } | null>(null)
  const now = cursor ?? day.from

  const instantAt = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    const at = day.from + ((event.clientX - left) / width) * (day.until - day.from)
    return Math.min(Math.max(snapped(at, event.shiftKey), day.from), day.until)
  }
  const onPointerDown = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return
    const at = instantAt(event)
    onMove(at)
    if (locked) return
    const { top, height } = event.currentTarget.getBoundingClientRect()
    const row = Math.min(lastRow, Math.max(0, Math.floor(((event.clientY - top) / height) * rows.length)))
    event.currentTarget.setPointerCapture(event.pointerId)
    drag.current = { from: at, status: rows[row]!.status, log, drawn: null }
  }
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    const at = instantAt(event)
    onPoint(at)
    const start = drag.current
    if (!start) return
    const stretch = {
      from: Math.min(start.from, at),
      until: Math.max(start.from, at),
      status: start.status,
    }
    start.drawn = at === start.from ? null : drawStretch(start.log, stretch, before)
    onPreview(start.drawn)
  }
  const letGo = (keep: boolean) => {
    const drawn = drag.current?.drawn
    if (!drag.current) return
    drag.current = null
    onPreview(null)
    if (keep && drawn) onDraw(drawn)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const { key, shiftKey, ctrlKey, metaKey, altKey, code } = event
    const done = () => event.preventDefault()
    if ((ctrlKey || metaKey) && key.toLowerCase() === 'z') {
      done()
      return onUndo?.()
    }
    if (ctrlKey || metaKey || altKey) return
    if (key === 'Escape') return letGo(false)
    const to = steppedBy(key, shiftKey)
    if (to !== null) {
      done()
      return onMove(to)
    }
    if (locked) return
    // With Shift the key is another sign, on each keyboard its own.
    const number = /^(?:Digit|Numpad)?([1-4])$/.exec(code)?.[1] ?? /^[1-4]$/.exec(key)?.[0]
    const unknown = key === 'u' || key === 'U'
    if (number || unknown) {
      done()
      const status = unknown ? 'UNKNOWN' : rows[Number(number) - 1]!.status
      // Ahead of the log nothing is said, so that there even rest is news.
      if (log.findLast(({ at }) => at <= now)?.status !== status) onDraw(drawFrom(log, now, status))
    } else if (key === 'Delete' || key === 'Backspace') {
      done()
      const left = removeChange(log, now)
      if (left.length !== log.length) onDraw(left)
    }
  }
  const steppedBy = (key: string, fine: boolean): Instant | null => {
    switch (key) {
      case 'ArrowLeft':
      case 'ArrowDown':
        return stepped(now, false, fine)
      case 'ArrowRight':
      case 'ArrowUp':
        return stepped(now, true, fine)
      case 'PageUp':
        return log.findLast(({ at }) => at < now)?.at ?? day.from
      case 'PageDown':
        return log.find(({ at }) => at > now)?.at ?? day.until
      case 'Home':
        return day.from
      case 'End':
        return stepped(day.until, false, fine)
      default:
        return null
    }
  }
  return (
    <div
      id={id}
      role="slider"
      tabIndex={0}
      aria-label={`Time on ${dateTitle(day.date)}`}
      aria-describedby={helpId}
      aria-valuemin={0}
      aria-valuemax={(day.until - day.from) / 60_000}
      aria-valuenow={Math.round((now - day.from) / 60_000)}
      aria-valuetext={words(now)}
      className="absolute inset-0 cursor-crosshair touch-pan-y rounded-sm"
      onFocus={onEnter}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={() => letGo(true)}
      onPointerCancel={() => letGo(false)}
      onPointerLeave={() => onPoint(null)}
      onKeyDown={onKeyDown}
    />
  )
}
