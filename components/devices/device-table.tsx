'use client'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { useNow } from '../live/live.tsx'
import { Badge } from '../ui/badge.tsx'
import { cx } from '../ui/classes.ts'
import { type Order, SortedTable } from '../ui/sorted-table.tsx'
import type { Sort } from './device-order.ts'
import {
  CONNECTION_TONE,
  clockWords,
  connectionWords,
  doubtWords,
  type KnownDevice,
  WORK,
} from './device-state.ts'
import { PROTOCOL_TITLE } from './settings.ts'

const HEADINGS = [
  ['truck', 'Truck'],
  ['name', 'Device'],
  ['protocol', 'Protocol'],
  ['connection', 'Connection'],
  ['work', 'Work'],
  ['clock', 'Clock'],
] as const
const COLUMNS =
  'grid-cols-[5rem_minmax(11rem,1.4fr)_minmax(7rem,0.8fr)_minmax(10rem,1fr)_minmax(12rem,1.4fr)_minmax(6rem,0.7fr)]'

/** Ten thousand rows of which those in sight are drawn; arrows move between them. */
export function DeviceTable({
  rows,
  ready,
  order,
  empty,
}: {
  rows: readonly KnownDevice[]
  ready: boolean
  order: Order<Sort>
  empty: ReactNode
}) {
  return (
    <SortedTable
      label="Devices"
      headings={HEADINGS}
      layout={COLUMNS}
      order={order}
      rows={rows}
      keyOf={({ device }) => device.id}
      rowPx={52}
      cardPx={104}
      loading={ready ? null : 'Loading the devices…'}
      empty={empty}
    >
      {(row, isCard) => <Row row={row} narrow={isCard} />}
    </SortedTable>
  )
}

function Row({ row, narrow }: { row: KnownDevice; narrow: boolean }) {
  const { device, connection, work } = row
  const now = useNow()
  const name = (
    <Link
      href={`/devices/${device.id}`}
      prefetch={false}
      className={cx(
        'truncate py-0.5 font-medium hover:text-accent hover:underline',
        // A thumb may meet the card anywhere.
        narrow && 'after:absolute after:inset-0',
      )}
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
      <td className="flex h-full flex-col justify-center gap-1.5 px-4 py-2.5">
        <span className="flex items-baseline gap-2">
          <span className="max-w-1/2 shrink-0 truncate font-semibold tabular-nums">{device.unitNumber}</span>
          {name}
          <span className="ml-auto shrink-0 text-muted text-xs">{PROTOCOL_TITLE[device.protocol]}</span>
        </span>
        <span className="flex flex-wrap gap-2">{heard}</span>
        {worth}
      </td>
    )
  }
  return (
    <>
      <td className="min-w-0 truncate font-semibold tabular-nums">{device.unitNumber}</td>
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
