'use client'
import { KeyRound, Plus, RadioTower, WifiOff } from 'lucide-react'
import Link from 'next/link'
import { parseAsStringLiteral, useQueryState } from 'nuqs'
import { useDeferredValue, useMemo, useRef, useState } from 'react'
import { reasonOf } from '../api.tsx'
import { plural } from '../format.ts'
import { useSlowNow } from '../live/live.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { focusFirstRow, useOrder } from '../ui/sorted-table.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { chosenOf, countsOf, type DeviceTexts, SHOW, type Show, SORTS, textsOf } from './device-order.ts'
import { connectionOf, workOf } from './device-state.ts'
import { DeviceTable } from './device-table.tsx'
import { EnrolDialog, type EnrolFrom } from './enrol-dialog.tsx'
import { ListFilter, NoMatch, useFilter } from './list-filter.tsx'
import type { Doors } from './settings.ts'
import { UnknownList, useUnknown } from './unknown-list.tsx'
import { useDevices } from './use-devices.ts'

const VIEWS = ['enrolled', 'unknown'] as const
const still = { history: 'replace', shallow: true } as const
const SHOW_TITLE: Record<Show, string> = {
  all: 'All',
  working: 'Working',
  trouble: 'In trouble',
  silent: 'Not heard',
  revoked: 'Revoked',
}

/** Every device with two things apart, whether it is heard and whether it is of use; and who knocked and is not enrolled. */
export function DevicesPage({ doors }: { doors: Doors }) {
  const [view, setView] = useQueryState(
    'view',
    parseAsStringLiteral(VIEWS).withDefault('enrolled').withOptions(still),
  )
  const [enrolling, setEnrolling] = useState<EnrolFrom | null>(null)
  const devices = useDevices()
  const unknown = useUnknown(view === 'unknown')
  const enrolled = devices.rows?.filter(({ revokedAt }) => revokedAt === null).length
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-wrap items-center gap-3 px-4 pt-3 pb-1">
        <h1 className="text-xl">Devices</h1>
        <Link href="/devices/keys" className={`${buttonClass()} ml-auto`}>
          <KeyRound aria-hidden className="size-4" />
          Keys
        </Link>
        <MayButton action="devices.manage" tone="primary" onClick={() => setEnrolling({})}>
          <Plus aria-hidden className="size-4" />
          Enrol a device
        </MayButton>
      </div>
      {devices.isStale && devices.rows && (
        <p role="status" className="mx-4 mb-1 flex items-center gap-2 text-warning text-xs">
          <WifiOff aria-hidden className="size-3.5" />
          No connection: what follows was so when it was lost.
        </p>
      )}
      <div className="flex min-h-0 flex-1 flex-col [&>div>[role=tablist]]:px-4">
        <Tabs
          label="Devices"
          value={view}
          onChange={(value) => void setView(value)}
          tabs={[
            { value: 'enrolled', label: 'Enrolled', count: enrolled },
            { value: 'unknown', label: 'Not enrolled', count: unknown.rows?.length },
          ]}
        >
          {view === 'unknown' ? (
            <UnknownList unknown={unknown} onEnrol={setEnrolling} />
          ) : (
            <Enrolled devices={devices} />
          )}
        </Tabs>
      </div>
      {enrolling && (
        <EnrolDialog
          doors={doors}
          from={enrolling}
          onClose={() => setEnrolling(null)}
          onEnrolled={() => {
            void devices.refresh()
            void unknown.refetch()
          }}
        />
      )}
    </div>
  )
}

function Enrolled({ devices }: { devices: ReturnType<typeof useDevices> }) {
  const { rows: all, silentAfterMinutes, error, refetch } = devices
  const now = useSlowNow()
  const filter = useFilter(SHOW)
  const { query, show } = filter
  const order = useOrder(SORTS, 'truck')
  const { sort, down } = order
  const texts = useRef<ReadonlyMap<number, DeviceTexts>>(new Map())
  const known = useMemo(() => {
    texts.current = textsOf(all ?? [], texts.current)
    return (all ?? []).map((device) => ({
      device,
      connection: connectionOf(device, silentAfterMinutes, now),
      work: workOf(device),
      texts: texts.current.get(device.id)!,
    }))
  }, [all, silentAfterMinutes, now])
  // The field answers at once, the table when it can.
  const sought = useDeferredValue(query)
  const rows = useMemo(
    () => chosenOf(known, { show, query: sought, sort, down }),
    [known, sought, show, sort, down],
  )
  const counts = useMemo(() => countsOf(known), [known])
  if (error && !all) {
    return (
      <Notice
        alert
        icon={WifiOff}
        title="The devices can’t be read"
        action={<Button onClick={() => void refetch()}>Try again</Button>}
      >
        {reasonOf(error)}
      </Notice>
    )
  }
  return (
    <>
      <div className="px-4 pb-3">
        <ListFilter
          filter={filter}
          what="devices"
          placeholder="Truck, name, IMEI"
          titles={SHOW_TITLE}
          counts={all ? counts : {}}
          onLeave={focusFirstRow}
        >
          {all && plural(rows.length, 'device', 'devices')}
        </ListFilter>
      </div>
      <DeviceTable
        rows={rows}
        ready={all !== null}
        order={order}
        empty={
          all?.length === 0 ? (
            <Notice icon={RadioTower} title="No devices yet">
              Enrol the first one, or let a tracker call: who knocks is listed under “Not enrolled”.
            </Notice>
          ) : (
            <NoMatch title="No device matches" filter={filter} />
          )
        }
      />
    </>
  )
}
