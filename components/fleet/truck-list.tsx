'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import { SearchX, Truck } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { VehicleState } from '../../server/geo/frame.ts'
import { lasting, plural } from '../format.ts'
import { ClockText } from '../logs/clock-meter.tsx'
import { STATUS_WORDS } from '../logs/clocks.ts'
import { cx } from '../ui/classes.ts'
import { Notice } from '../ui/notice.tsx'
import { SearchField } from '../ui/search-field.tsx'
import { Segments } from '../ui/segments.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import type { Show, TruckRow } from './truck-rows.ts'

const ROW_PX = 52
const WORDS: Record<Show, string> = {
  all: 'All',
  attention: 'Attention',
  moving: 'Moving',
  duty: 'On duty',
  resting: 'Resting',
}
const DOT: Record<VehicleState, { className: string; word: string }> = {
  [VehicleState.off]: { className: 'bg-line-strong', word: 'parked' },
  [VehicleState.idle]: { className: 'bg-warning-fill', word: 'standing' },
  [VehicleState.moving]: { className: 'bg-good-fill', word: 'moving' },
  [VehicleState.silent]: { className: 'border-2 border-danger-fill', word: 'silent' },
}

export interface TruckListProps {
  rows: readonly TruckRow[]
  counts: Record<Show, number>
  ready: boolean
  selectedId: number | null
  onSelect(id: number): void
  query: string
  onQuery(text: string): void
  show: Show
  onShow(show: Show): void
}

/** The map's accessible twin: every truck that the map shows, as a list that is searched, filtered and walked by keys. */
export function TruckList(props: TruckListProps) {
  const { rows, counts, ready, selectedId, onSelect, query, onQuery, show, onShow } = props
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
    getItemKey: (i) => rows[i]!.id,
  })
  const at = rows.findIndex(({ id }) => id === selectedId)
  const latest = useRef({ at, virtual })
  useEffect(() => {
    latest.current = { at, virtual }
  })
  useEffect(() => {
    if (selectedId !== null && latest.current.at >= 0) latest.current.virtual.scrollToIndex(latest.current.at)
  }, [selectedId])

  const focus = (i: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, i))
    const row = () => scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)
    // A row that is drawn has the focus before the next key comes, however fast the hand; one out of sight is drawn first.
    const drawn = row()
    if (drawn) drawn.focus()
    else {
      virtual.scrollToIndex(next)
      requestAnimationFrame(() => row()?.focus())
    }
  }
  return (
    <>
      <div className="flex flex-col gap-2 border-line border-b p-3">
        <SearchField
          label="Search trucks and drivers"
          placeholder="Unit number or driver"
          value={query}
          onChange={onQuery}
          onLeave={() => focus(0)}
        />
        <Segments
          label="Show"
          name="show"
          value={show}
          onChange={onShow}
          options={(Object.keys(WORDS) as Show[])
            .filter((value) => value !== 'duty')
            .map((value) => ({ value, label: WORDS[value], count: ready ? counts[value] : undefined }))}
        />
      </div>
      <div ref={scroller} className="min-h-0 flex-1 overflow-auto" tabIndex={-1}>
        {!ready && <Loading />}
        {ready && rows.length === 0 && <Nothing all={counts.all} />}
        <ul
          aria-label={plural(rows.length, 'truck', 'trucks')}
          className="relative"
          style={{ height: virtual.getTotalSize() }}
        >
          {virtual.getVirtualItems().map(({ index, start, key }) => (
            <li
              key={key}
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              className="absolute inset-x-0"
              style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
            >
              <Row
                row={rows[index]!}
                index={index}
                selected={rows[index]!.id === selectedId}
                onSelect={onSelect}
                onMove={focus}
              />
            </li>
          ))}
        </ul>
      </div>
    </>
  )
}

function Row({
  row,
  index,
  selected,
  onSelect,
  onMove,
}: {
  row: TruckRow
  index: number
  selected: boolean
  onSelect(id: number): void
  onMove(index: number): void
}) {
  const { driver, tightest, state } = row
  const dot = state === null ? null : DOT[state]
  return (
    <button
      type="button"
      data-row={index}
      aria-pressed={selected}
      onClick={() => onSelect(row.id)}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
        event.preventDefault()
        onMove(index + (event.key === 'ArrowDown' ? 1 : -1))
      }}
      className={cx(
        'flex h-full w-full items-center gap-3 border-line border-b px-3 text-left -outline-offset-2',
        selected ? 'bg-accent-soft' : 'hover:bg-hover',
      )}
    >
      <span aria-hidden className={cx('size-2.5 shrink-0 rounded-full', dot?.className)} />
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-2">
          <span className="max-w-1/2 shrink-0 truncate font-semibold tabular-nums">{row.unitNumber}</span>
          <span className="truncate">{row.driverName}</span>
        </span>
        <span className="flex gap-1.5 truncate text-muted text-xs">
          <span className={state === VehicleState.silent ? 'font-semibold text-danger' : undefined}>
            {dot?.word ?? 'no position yet'}
          </span>
          {driver && <span>· {STATUS_WORDS[driver.status]}</span>}
        </span>
      </span>
      {tightest && (
        <span className="flex flex-col items-end">
          <ClockText reading={tightest} />
          <span className="text-2xs text-muted">
            {tightest.passedMs === null
              ? `${tightest.title.toLowerCase()} left`
              : `over ${tightest.title.toLowerCase()}`}
          </span>
        </span>
      )}
      {!tightest && driver && <span className="text-muted text-xs tabular-nums">{restText(row)}</span>}
    </button>
  )
}

/** For a driver at rest: how long already. */
function restText({ driver }: TruckRow): string {
  return driver ? lasting(driver.evaluatedAt - driver.statusSince) : ''
}

function Loading() {
  return (
    <div role="status" className="flex flex-col">
      <span className="sr-only">Loading the trucks…</span>
      {[1, 2, 3, 4, 5, 6, 7, 8].map((i) => (
        <div key={i} className="flex items-center gap-3 border-line border-b px-3" style={{ height: ROW_PX }}>
          <Skeleton className="size-2.5 rounded-full" />
          <div className="flex flex-1 flex-col gap-1.5">
            <Skeleton className="h-3 w-2/3" />
            <Skeleton className="h-2.5 w-1/3" />
          </div>
        </div>
      ))}
    </div>
  )
}

function Nothing({ all }: { all: number }) {
  return all === 0 ? (
    <Notice icon={Truck} title="No trucks yet">
      Enrol a device and its first report puts the truck here.
    </Notice>
  ) : (
    <Notice icon={SearchX} title="No truck matches">
      Try another search, or show all trucks.
    </Notice>
  )
}
