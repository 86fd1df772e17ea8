'use client'
import { useQuery } from '@tanstack/react-query'
import { DoorClosed } from 'lucide-react'
import Link from 'next/link'
import { useDeferredValue, useState } from 'react'
import type { UnknownRow } from '../../server/fleet/devices-schema.ts'
import { visible } from '../../server/text-schema.ts'
import { reasonOf, useReason, useTRPC } from '../api.tsx'
import { ago, plural, zonedDateTime } from '../format.ts'
import { useNow } from '../live/live.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { SearchField } from '../ui/search-field.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { doubtWords } from './device-state.ts'
import type { EnrolFrom } from './enrol-dialog.tsx'
import { PROTOCOL_TITLE } from './settings.ts'

/** Who knocked in the last week; looked at every few seconds while the list is open. */
export function useUnknown(open: boolean) {
  const trpc = useTRPC()
  const [identity, setIdentity] = useState('')
  const wanted = useDeferredValue(identity.trim())
  const list = useQuery(
    trpc.devices.unknown.queryOptions(wanted === '' ? {} : { identity: wanted }, {
      refetchInterval: open ? 2_000 : 30_000,
      placeholderData: (before) => before,
    }),
  )
  return { rows: list.data ?? null, error: useReason(list), refetch: list.refetch, identity, setIdentity }
}

export function UnknownList({
  unknown,
  onEnrol,
}: {
  unknown: ReturnType<typeof useUnknown>
  onEnrol(from: EnrolFrom): void
}) {
  const { rows, error, identity, setIdentity } = unknown
  const shown = rows?.filter((row) => row.identity.includes(identity.trim()))
  return (
    <div className="min-h-0 flex-1 overflow-auto px-4 pb-4">
      <div className="flex flex-wrap items-center gap-3 pb-3">
        <div className="w-72 max-md:w-full">
          <SearchField
            label="Search by the whole identity"
            placeholder="IMEI or identifier from the label"
            value={identity}
            onChange={setIdentity}
          />
        </div>
        <p className="text-muted text-xs">
          They called in the last week and were refused. A device shows here seconds after it calls.
        </p>
      </div>
      {error && !rows && (
        <Notice
          alert
          title="The list can’t be read"
          action={<Button onClick={() => void unknown.refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      )}
      {!error && !shown && (
        <div role="status">
          <span className="sr-only">Loading who knocked…</span>
          <Skeleton className="h-20 rounded-lg" />
        </div>
      )}
      {shown?.length === 0 && (
        <Notice icon={DoorClosed} title="Nobody has knocked">
          Switch the device on. If it does not show here, it does not reach this server: check its SIM card,
          APN, server and port.
        </Notice>
      )}
      <ul aria-label="Not enrolled" className="flex flex-col gap-2">
        {shown?.map((row) => (
          <li key={`${row.protocol} ${row.identity}`}>
            <Knock row={row} onEnrol={onEnrol} />
          </li>
        ))}
      </ul>
    </div>
  )
}

function Knock({ row, onEnrol }: { row: UnknownRow; onEnrol(from: EnrolFrom): void }) {
  const now = useNow()
  const { timeZone } = useViewer().fleet
  return (
    <article
      aria-label={visible(row.identity)}
      className="flex items-center gap-x-4 gap-y-2 max-md:flex-col max-md:items-start rounded-lg border border-line bg-surface px-4 py-3"
    >
      <div className="min-w-0 flex-1">
        <h2 className="wrap-anywhere font-semibold text-sm tabular-nums">{visible(row.identity)}</h2>
        <p className="text-muted text-xs">
          {PROTOCOL_TITLE[row.protocol]} from <span className="tabular-nums">{row.address}</span>:{' '}
          {doubtWords(row.reason)}
        </p>
        <p className="text-faint text-xs tabular-nums" title={zonedDateTime(row.seenAt, timeZone)}>
          {plural(row.attempts, 'attempt', 'attempts')}, the last{' '}
          {now > 0 && ago(Math.max(0, now - row.seenAt))}
        </p>
      </div>
      {row.protocol === 'json' ? null : row.deviceId === null ? (
        <MayButton
          action="devices.manage"
          onClick={() => onEnrol({ protocol: row.protocol, identity: row.identity })}
        >
          Enrol this one
        </MayButton>
      ) : (
        <Link href={`/devices/${row.deviceId}`} className={buttonClass('plain')}>
          Open the device
        </Link>
      )}
    </article>
  )
}
