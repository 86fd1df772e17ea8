'use client'
import { SearchX, TriangleAlert, Users } from 'lucide-react'
import Link from 'next/link'
import { parseAsString, parseAsStringLiteral, useQueryState } from 'nuqs'
import { useMemo } from 'react'
import type { DriverRow } from '../../server/logs/schema.ts'
import { ago, lasting, plural, zonedDateTime, zoneName } from '../format.ts'
import { useLiveValue, useNow, useSlowNow } from '../live/live.tsx'
import { ClockMeter, LEVEL_TEXT } from '../logs/clock-meter.tsx'
import {
  BOARD_CLOCKS,
  boardClock,
  CLOCK_TITLE,
  type ClockReading,
  compareReadings,
  readClocks,
  tightestOf,
} from '../logs/clocks.ts'
import { StatusBadge } from '../logs/status-badge.tsx'
import { cx } from '../ui/classes.ts'
import { Notice } from '../ui/notice.tsx'
import { SearchField } from '../ui/search-field.tsx'
import { Segments } from '../ui/segments.tsx'
import { focusFirstRow, SortedTable, useOrder } from '../ui/sorted-table.tsx'
import { linksAfter } from '../ui/written.ts'
import { SetStatusMenu } from './set-status.tsx'

const SHOW = ['all', 'working', 'resting', 'limits'] as const
type Show = (typeof SHOW)[number]
const SORTS = ['tightest', 'name', 'truck', 'status', ...BOARD_CLOCKS] as const
type Sort = (typeof SORTS)[number]
const RESTING = new Set(['OFF', 'SB', 'PC', 'REST', 'FERRY'])
const HEADINGS = [
  ['name', 'Driver'],
  ['truck', 'Truck'],
  ['status', 'Status'],
  ...BOARD_CLOCKS.map((name) => [name, CLOCK_TITLE[name]] as const),
  'Set status',
] as const
const COLUMNS = 'grid-cols-[minmax(11rem,1.5fr)_4.5rem_minmax(9rem,1fr)_repeat(4,minmax(6.5rem,1fr))_2.75rem]'
const collator = new Intl.Collator('en', { numeric: true })
const still = { history: 'replace', shallow: true } as const

interface BoardRow {
  driver: DriverRow
  tightest: ClockReading | null
  resting: boolean
}

/** Every driver with what is left of each limit; those who must stop first come first. */
export function DriverBoard() {
  const drivers = useLiveValue((store) => store.drivers)
  const ready = useLiveValue((store) => store.ready)
  const now = useSlowNow()
  const [query, setQuery] = useQueryState('q', parseAsString.withDefault('').withOptions(still))
  const [show, setShow] = useQueryState(
    'show',
    parseAsStringLiteral(SHOW).withDefault('all').withOptions(still),
  )
  const order = useOrder(SORTS, 'tightest')
  const { sort, down } = order

  const all = useMemo(
    () =>
      [...drivers.values()].map((driver): BoardRow => {
        const resting = RESTING.has(driver.status)
        return { driver, resting, tightest: tightestOf(readClocks(driver, now)) }
      }),
    [drivers, now],
  )
  const rows = useMemo(() => {
    const wanted = query.trim().toLowerCase()
    const compare = comparer(sort, now)
    return all
      .filter((row) => belongs(row, show) && matches(row.driver, wanted))
      .sort((a, b) => (down ? -1 : 1) * compare(a, b) || collator.compare(a.driver.name, b.driver.name))
  }, [all, query, show, sort, down, now])

  const counted = (is: (row: BoardRow) => boolean) => (ready ? all.filter(is).length : undefined)
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-wrap items-center gap-3 px-4 py-3">
        <h1 className="text-xl">Drivers</h1>
        <span className="text-muted tabular-nums">{ready && plural(rows.length, 'driver', 'drivers')}</span>
        <div className="w-64 max-md:w-full md:ml-auto">
          <SearchField
            label="Search drivers and trucks"
            placeholder="Name, number or truck"
            value={query}
            onChange={(text) => linksAfter(setQuery(text || null))}
            onLeave={focusFirstRow}
          />
        </div>
        <Segments
          label="Show"
          name="show"
          value={show}
          onChange={(value) => void setShow(value === 'all' ? null : value)}
          options={[
            { value: 'all', label: 'All', count: counted(() => true) },
            {
              value: 'limits',
              label: 'Near a limit',
              count: counted((row) => belongs(row, 'limits')),
            },
            { value: 'working', label: 'At work', count: counted((row) => !row.resting) },
            { value: 'resting', label: 'Resting', count: counted((row) => row.resting) },
          ]}
        />
      </div>
      <SortedTable
        label="Drivers"
        headings={HEADINGS}
        layout={COLUMNS}
        order={order}
        rows={rows}
        keyOf={({ driver }) => driver.driverId}
        rowPx={60}
        cardPx={132}
        loading={ready ? null : 'Loading the drivers…'}
        empty={
          <Notice
            icon={all.length === 0 ? Users : SearchX}
            title={all.length === 0 ? 'No drivers yet' : 'No driver matches'}
          >
            {all.length === 0
              ? 'A driver shows here as soon as the fleet has one.'
              : 'Try another search, or show all drivers.'}
          </Notice>
        }
      >
        {({ driver }, isCard) => <Row driver={driver} narrow={isCard} />}
      </SortedTable>
    </div>
  )
}

function belongs({ resting, tightest }: BoardRow, show: Show): boolean {
  if (show === 'working') return !resting
  if (show === 'resting') return resting
  return show === 'all' || (!resting && tightest !== null && !['fine', 'still'].includes(tightest.level))
}

const matches = ({ name, employeeNumber, unitNumber, homeTerminal }: DriverRow, wanted: string) =>
  wanted === '' ||
  `${name} ${employeeNumber} ${unitNumber ?? ''} ${homeTerminal}`.toLowerCase().includes(wanted)

function comparer(sort: Sort, now: number): (a: BoardRow, b: BoardRow) => number {
  if (sort === 'name') return (a, b) => collator.compare(a.driver.name, b.driver.name)
  if (sort === 'truck')
    return (a, b) => collator.compare(a.driver.unitNumber ?? '~', b.driver.unitNumber ?? '~')
  if (sort === 'status') return (a, b) => collator.compare(a.driver.status, b.driver.status)
  if (sort === 'tightest') {
    return (a, b) => {
      if (a.resting !== b.resting) return a.resting ? 1 : -1
      if (!a.tightest || !b.tightest) return Number(!a.tightest) - Number(!b.tightest)
      return compareReadings(a.tightest, b.tightest)
    }
  }
  const left = ({ driver }: BoardRow) =>
    boardClock(readClocks(driver, now), sort)?.remainingMs ?? Number.POSITIVE_INFINITY
  return (a, b) => left(a) - left(b)
}

function Row({ driver, narrow }: { driver: DriverRow; narrow: boolean }) {
  const now = useNow()
  const readings = readClocks(driver, now)
  const tightest = tightestOf(readings)
  const href = `/drivers/${driver.driverId}`
  const since = (
    <span
      className="text-muted text-xs tabular-nums"
      title={zonedDateTime(driver.statusSince, driver.timeZone)}
    >
      {lasting(now - driver.statusSince)}
    </span>
  )
  const clocks = BOARD_CLOCKS.map((name) => ({
    name,
    reading: boardClock(readings, name),
  }))
  if (narrow) {
    return (
      <td className="flex h-full flex-col gap-2 px-4 py-2.5">
        <div className="flex items-center gap-2">
          <Link href={href} className="min-w-0 flex-1 truncate py-0.5 font-semibold">
            {driver.name}
          </Link>
          {driver.unitNumber && (
            <span className="max-w-1/2 truncate text-muted tabular-nums">{driver.unitNumber}</span>
          )}
          <SetStatusMenu driver={driver} />
        </div>
        <div className="flex items-center gap-2">
          <StatusBadge status={driver.status} />
          {since}
          {driver.violations.length > 0 && <Broken driver={driver} />}
          {tightest && tightest.passedMs !== null && (
            <span className={cx('ml-auto text-xs', LEVEL_TEXT[tightest.level])}>
              {ago(tightest.passedMs)}
            </span>
          )}
        </div>
        <div className="grid grid-cols-4 gap-2">
          {clocks.map(({ name, reading }) => reading && <ClockMeter key={name} reading={reading} title />)}
        </div>
      </td>
    )
  }
  return (
    <>
      <th scope="row" className="min-w-0 text-left font-normal">
        <Link href={href} className="block truncate py-0.5 font-medium hover:underline">
          {driver.name}
        </Link>
        <p className="truncate text-muted text-xs">
          {driver.employeeNumber} · {driver.homeTerminal}, {now > 0 && zoneName(now, driver.timeZone)}
        </p>
      </th>
      <td className="min-w-0 tabular-nums">
        {driver.vehicleId !== null && (
          <Link
            href={`/map?truck=${driver.vehicleId}`}
            className="block truncate rounded py-1 text-accent hover:underline"
          >
            {driver.unitNumber}
          </Link>
        )}
      </td>
      <td className="flex flex-col items-start gap-0.5">
        <span className="flex items-center gap-1.5">
          <StatusBadge status={driver.status} />
          {driver.violations.length > 0 && <Broken driver={driver} />}
        </span>
        {since}
      </td>
      {clocks.map(({ name, reading }) => (
        <td key={name}>
          {reading ? <ClockMeter reading={reading} /> : <span className="text-faint">–</span>}
        </td>
      ))}
      <td>
        <SetStatusMenu driver={driver} />
      </td>
    </>
  )
}

/** Broke a rule within a day: the whole sentence stands on the day's page, its title here. */
function Broken({ driver }: { driver: DriverRow }) {
  const words = driver.violations.map((violation) => violation.title).join(', ')
  return (
    <span title={words} className="inline-flex items-center gap-0.5 font-semibold text-danger text-xs">
      <TriangleAlert aria-hidden className="size-3.5" />
      {driver.violations.length}
      <span className="sr-only"> violations within a day: {words}</span>
    </span>
  )
}
