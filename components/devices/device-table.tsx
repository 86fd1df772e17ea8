'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import Link from 'next/link'
import { useRef } from 'react'
import { useNow } from '../live/live.tsx'
import { Badge } from '../ui/badge.tsx'
import { cx } from '../ui/classes.ts'
import { useNarrow } from '../ui/narrow.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import {
  CONNECTION_TONE,
  clockWords,
  connectionWords,
  doubtWords,
  type KnownDevice,
  WORK,
} from './device-state.ts'
import { PROTOCOL_TITLE } from './settings.ts'

export const SORTS = ['truck', 'name', 'protocol', 'connection', 'work', 'clock'] as const
export type Sort = (typeof SORTS)[number]
const TITLE: Record<Sort, string> = {
  truck: 'Truck',
  name: 'Device',
  protocol: 'Protocol',
  connection: 'Connection',
  work: 'Work',
  clock: 'Clock',
}
const ROW_PX = 52
const CARD_PX = 104
const COLUMNS =
  'grid grid-cols-[5rem_minmax(11rem,1.4fr)_minmax(7rem,0.8fr)_minmax(10rem,1fr)_minmax(12rem,1.4fr)_minmax(6rem,0.7fr)] items-center gap-x-4 px-4'

/** Ten thousand rows of which those in sight are drawn; arrows move between them. */
export function DeviceTable({
  rows,
  ready,
  sort,
  down,
  onSort,
}: {
  rows: readonly KnownDevice[]
  ready: boolean
  sort: Sort
  down: boolean
  onSort(column: Sort): void
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const narrow = useNarrow()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? CARD_PX : ROW_PX),
    overscan: 10,
    getItemKey: (i) => rows[i]!.device.id,
  })
  const focus = (i: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, i))
    const link = () => scroller.current?.querySelector<HTMLElement>(`[data-device="${next}"]`)
    const drawn = link()
    if (drawn) drawn.focus()
    else {
      virtual.scrollToIndex(next)
      requestAnimationFrame(() => link()?.focus())
    }
  }
  if (ready && rows.length === 0) return null
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-auto border-line border-t bg-surface">
      <table aria-label="Devices" aria-rowcount={rows.length + 1} className="block">
        <thead className="sticky top-0 z-10 block border-line border-b bg-surface max-md:hidden">
          <tr aria-rowindex={1} className={cx(COLUMNS, 'h-9 min-w-5xl text-left text-muted text-xs')}>
            {SORTS.map((column) => (
              <Heading key={column} column={column} active={sort === column} down={down} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody className="relative block md:min-w-5xl" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, key, size }) => (
            <tr
              key={key}
              aria-rowindex={index + 2}
              className={cx(
                'absolute inset-x-0 border-line border-b hover:bg-hover',
                narrow ? 'block px-4 py-2.5' : COLUMNS,
              )}
              style={{ height: size, transform: `translateY(${start}px)` }}
              onKeyDown={(event) => {
                if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
                event.preventDefault()
                focus(index + (event.key === 'ArrowDown' ? 1 : -1))
              }}
            >
              <Row row={rows[index]!} index={index} narrow={narrow} />
            </tr>
          ))}
        </tbody>
      </table>
      {!ready && <Loading />}
    </div>
  )
}

function Heading({
  column,
  active,
  down,
  onSort,
}: {
  column: Sort
  active: boolean
  down: boolean
  onSort(column: Sort): void
}) {
  const Icon = down ? ArrowDown : ArrowUp
  return (
    <th className="font-normal" aria-sort={active ? (down ? 'descending' : 'ascending') : 'none'}>
      <button
        type="button"
        onClick={() => onSort(column)}
        className={cx(
          'inline-flex items-center gap-1 rounded hover:text-ink',
          active && 'font-semibold text-ink',
        )}
      >
        {TITLE[column]}
        <Icon aria-hidden className={cx('size-3', !active && 'invisible')} />
      </button>
    </th>
  )
}

function Row({ row, index, narrow }: { row: KnownDevice; index: number; narrow: boolean }) {
  const { device, connection, work } = row
  const now = useNow()
  const name = (
    <Link
      href={`/devices/${device.id}`}
      prefetch={false}
      data-device={index}
      className="truncate font-medium hover:text-accent hover:underline"
    >
      {device.name}
    </Link>
  )
  const heard = (
    <Badge tone={CONNECTION_TONE[connection]}>
      {now > 0 ? connectionWords(connection, device.seenAt, now) : '…'}
    </Badge>
  )
  const why =
    work === 'refused' ? device.refusal : work === 'fix' || !device.doubt ? null : doubtWords(device.doubt)
  const worth = (
    <span className="flex min-w-0 items-center gap-2">
      <Badge tone={WORK[work].tone}>{WORK[work].word}</Badge>
      {why && work !== 'nothing' && (
        <span className="truncate text-muted text-xs" title={why}>
          {why}
        </span>
      )}
    </span>
  )
  if (narrow) {
    return (
      <td className="flex h-full flex-col justify-center gap-1.5">
        <span className="flex items-baseline gap-2">
          <span className="font-semibold tabular-nums">{device.unitNumber}</span>
          {name}
          <span className="ml-auto text-muted text-xs">{PROTOCOL_TITLE[device.protocol]}</span>
        </span>
        <span className="flex flex-wrap gap-2">{heard}</span>
        {worth}
      </td>
    )
  }
  return (
    <>
      <td className="font-semibold tabular-nums">{device.unitNumber}</td>
      <td className="flex min-w-0 flex-col">
        {name}
        {device.identity && (
          <span className="truncate text-faint text-xs tabular-nums">{device.identity}</span>
        )}
      </td>
      <td className="text-muted">{PROTOCOL_TITLE[device.protocol]}</td>
      <td>{heard}</td>
      <td className="min-w-0">{worth}</td>
      <td className="text-muted text-xs tabular-nums">
        {device.clockOffsetMs === null ? '–' : clockWords(device.clockOffsetMs)}
      </td>
    </>
  )
}

function Loading() {
  return (
    <div role="status" className="flex flex-col">
      <span className="sr-only">Loading the devices…</span>
      {[1, 2, 3, 4, 5, 6, 7, 8].map((i) => (
        <div key={i} className="flex items-center gap-8 border-line border-b px-4" style={{ height: ROW_PX }}>
          <Skeleton className="h-4 w-12" />
          <Skeleton className="h-4 w-48" />
          <Skeleton className="h-4 flex-1" />
        </div>
      ))}
    </div>
  )
}
