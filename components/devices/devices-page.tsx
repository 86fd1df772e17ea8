'use client'
import { Plus, RadioTower, WifiOff } from 'lucide-react'
import { parseAsBoolean, parseAsString, parseAsStringLiteral, useQueryState } from 'nuqs'
import { useMemo, useState } from 'react'
import { reasonOf } from '../api.tsx'
import { plural } from '../format.ts'
import { useSlowNow } from '../live/live.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { SearchField } from '../ui/search-field.tsx'
import { Segments } from '../ui/segments.tsx'
import { Tabs } from '../ui/tabs.tsx'
import { connectionOf, type KnownDevice, workOf } from './device-state.ts'
import { DeviceTable, SORTS, type Sort } from './device-table.tsx'
import { EnrolDialog, type EnrolFrom } from './enrol-dialog.tsx'
import { type Doors, PROTOCOL_TITLE } from './settings.ts'
import { UnknownList, useUnknown } from './unknown-list.tsx'
import { useDevices } from './use-devices.ts'

const SHOW = ['all', 'working', 'trouble', 'silent', 'revoked'] as const
type Show = (typeof SHOW)[number]
const VIEWS = ['enrolled', 'unknown'] as const
const still = { history: 'replace', shallow: true } as const
const order = new Intl.Collator('en', { numeric: true })

/** Every device with two things apart, whether it is heard and whether it is of use; and who knocked and is not enrolled. */
export function DevicesPage({ doors }: { doors: Doors }) {
  const [view, setView] = useQueryState(
    'view',
    parseAsStringLiteral(VIEWS).withDefault('enrolled').withOptions(still),
  )
  const [enrolling, setEnrolling] = useState<EnrolFrom | null>(null)
  const devices = useDevices()
  const unknown = useUnknown(view === 'unknown')
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-wrap items-center gap-3 px-4 pt-3 pb-1">
        <h1 className="text-xl">Devices</h1>
        <MayButton
          action="devices.manage"
          tone="primary"
          className="ml-auto"
          onClick={() => setEnrolling({})}
        >
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
            { value: 'enrolled', label: 'Enrolled', count: devices.rows?.length ?? 0 },
            { value: 'unknown', label: 'Not enrolled', count: unknown.rows?.length ?? 0 },
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
  const [query, setQuery] = useQueryState('q', parseAsString.withDefault('').withOptions(still))
  const [show, setShow] = useQueryState(
    'show',
    parseAsStringLiteral(SHOW).withDefault('all').withOptions(still),
  )
  const [sort, setSort] = useQueryState(
    'sort',
    parseAsStringLiteral(SORTS).withDefault('truck').withOptions(still),
  )
  const [down, setDown] = useQueryState('desc', parseAsBoolean.withDefault(false).withOptions(still))
  const known = useMemo(
    () =>
      (all ?? []).map((device) => ({
        device,
        connection: connectionOf(device, silentAfterMinutes, now),
        work: workOf(device),
        words:
          `${device.name} ${device.unitNumber} ${device.identity ?? ''} ${PROTOCOL_TITLE[device.protocol]}`.toLowerCase(),
      })),
    [all, silentAfterMinutes, now],
  )
  const rows = useMemo(() => {
    const wanted = query.trim().toLowerCase()
    const compare = comparers[sort]
    return known
      .filter((row) => belongs(row, show) && row.words.includes(wanted))
      .sort(
        (a, b) =>
          (down ? -1 : 1) * compare(a, b) ||
          order.compare(a.device.name, b.device.name) ||
          a.device.id - b.device.id,
      )
  }, [known, query, show, sort, down])
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
  const counted = (value: Show) => known.filter((row) => belongs(row, value)).length
  const toggle = (column: Sort) => {
    void setDown(sort === column && !down ? true : null)
    void setSort(column === 'truck' ? null : column)
  }
  return (
    <>
      <div className="flex flex-wrap items-center gap-3 px-4 pb-3">
        <div className="w-72 max-md:w-full">
          <SearchField
            label="Search devices"
            placeholder="Truck, name, IMEI"
            value={query}
            onChange={(text) => void setQuery(text || null)}
            onLeave={() => document.querySelector<HTMLElement>('[data-device]')?.focus()}
          />
        </div>
        <Segments
          label="Show"
          name="show"
          value={show}
          onChange={(value) => void setShow(value === 'all' ? null : value)}
          options={[
            { value: 'all', label: 'All', count: counted('all') },
            { value: 'working', label: 'Working', count: counted('working') },
            { value: 'trouble', label: 'In trouble', count: counted('trouble') },
            { value: 'silent', label: 'Not heard', count: counted('silent') },
            { value: 'revoked', label: 'Revoked', count: counted('revoked') },
          ]}
        />
        <span className="text-muted text-xs tabular-nums" role="status">
          {all && plural(rows.length, 'device', 'devices')}
        </span>
      </div>
      <DeviceTable rows={rows} ready={all !== null} sort={sort} down={down} onSort={toggle} />
      {all?.length === 0 && (
        <Notice icon={RadioTower} title="No devices yet">
          Enrol the first one, or let a tracker call: who knocks is listed under “Not enrolled”.
        </Notice>
      )}
      {all !== null && all.length > 0 && rows.length === 0 && (
        <Notice
          title="No device matches"
          action={<Button onClick={() => [setQuery(null), setShow(null)]}>Show all</Button>}
        >
          Try another search.
        </Notice>
      )}
    </>
  )
}

function belongs({ connection, work }: KnownDevice, show: Show): boolean {
  if (show === 'all') return connection !== 'revoked'
  if (show === 'revoked') return connection === 'revoked'
  if (connection === 'revoked') return false
  const heard = connection === 'online' || connection === 'quiet'
  if (show === 'silent') return !heard
  return heard && (show === 'working') === (work === 'fix')
}

const CONNECTIONS = ['online', 'quiet', 'silent', 'never', 'revoked']
const WORKS = ['refused', 'clock', 'implausible', 'no-fix', 'nothing', 'fix']

const comparers: Record<Sort, (a: KnownDevice, b: KnownDevice) => number> = {
  truck: (a, b) => order.compare(a.device.unitNumber, b.device.unitNumber),
  name: (a, b) => order.compare(a.device.name, b.device.name),
  protocol: (a, b) => order.compare(a.device.protocol, b.device.protocol),
  connection: (a, b) =>
    CONNECTIONS.indexOf(a.connection) - CONNECTIONS.indexOf(b.connection) ||
    (b.device.seenAt ?? 0) - (a.device.seenAt ?? 0),
  work: (a, b) => WORKS.indexOf(a.work) - WORKS.indexOf(b.work),
  clock: (a, b) => Math.abs(a.device.clockOffsetMs ?? 0) - Math.abs(b.device.clockOffsetMs ?? 0),
}
