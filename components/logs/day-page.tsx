'use client'
import { useQuery } from '@tanstack/react-query'
import { Printer, TriangleAlert } from 'lucide-react'
import Link from 'next/link'
import { useEffect } from 'react'
import type { AdviceRow, DayEvent, DayLog, DriverRow } from '../../server/logs/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { DAY } from '../../server/time/instant.ts'
import { addDays } from '../../server/time/zone.ts'
import { reasonOf, useReason, useTRPC } from '../api.tsx'
import { SetStatusMenu } from '../drivers/set-status.tsx'
import {
  brokenFor,
  clockTime,
  clockTimeSeconds,
  dateTitle,
  distance,
  zonedDateTime,
  zoneLongName,
  zoneName,
} from '../format.ts'
import { useLiveValue, useNow } from '../live/live.tsx'
import { ExportButton, ExportTrouble } from '../reports/export-button.tsx'
import { useExports } from '../reports/use-exports.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { DaySteps } from '../ui/steps.tsx'
import { AdviceList } from './advice-list.tsx'
import { ClockMeter } from './clock-meter.tsx'
import { readClocks } from './clocks.ts'
import { DayGridWithCursor } from './day-cursor.tsx'
import { StatusBadge } from './status-badge.tsx'

const AGAIN_MS = 30_000
const ORIGIN: Record<DayEvent['origin'], string> = {
  automatic: 'From motion',
  driver: 'Driver',
  dispatcher: 'Dispatcher',
  carried: 'Carried in',
}

/** One driver's 24-hour period: the grid, what is left, what was broken and each change. */
export function DayPage({ driverId, date }: { driverId: number; date?: string }) {
  const trpc = useTRPC()
  const live = useLiveValue((store) => store.drivers.get(driverId) ?? null)
  const day = useQuery(
    trpc.logs.day.queryOptions(
      { driverId, ...(date && { date }) },
      {
        // A day that is over changes only by late data; today grows, and what can't be read is asked for again.
        refetchInterval: ({ state }) =>
          !state.data || state.data.recordedUntil < state.data.until ? AGAIN_MS : false,
        placeholderData: (before) => (before?.driver.id === driverId ? before : undefined),
      },
    ),
  )
  const { data, refetch, isFetching } = day
  const error = useReason(day)
  const today = data !== undefined && data.recordedUntil < data.until
  const since = live?.statusSince
  useEffect(() => {
    if (since !== undefined && today) void refetch()
  }, [since, today, refetch])

  if (error && !data) {
    return (
      <Notice
        alert
        icon={TriangleAlert}
        title={<h1>This day can’t be shown</h1>}
        action={
          <>
            <Button onClick={() => void refetch()}>Try again</Button>
            <Link href="/drivers" className={buttonClass()}>
              All drivers
            </Link>
          </>
        }
      >
        {reasonOf(error)}
      </Notice>
    )
  }
  if (!data) return <Loading />
  return (
    <article className="mx-auto flex w-full max-w-6xl flex-col gap-4 p-4" aria-busy={isFetching}>
      <Head day={data} live={live} today={today} />
      <section aria-label="Graph grid" className="rounded-lg border border-line bg-surface p-3 md:p-5">
        <DayGridWithCursor key={`${data.driver.id} ${data.date}`} day={data} />
      </section>
      {data.violations.length > 0 && <Violations day={data} />}
      <Clocks day={data} live={today ? live : null} />
      {data.advice && <Advice day={data} advice={data.advice} />}
      <Events day={data} />
    </article>
  )
}

function Head({ day, live, today }: { day: DayLog; live: DriverRow | null; today: boolean }) {
  const { driver, date, carrier } = day
  const { timeZone } = driver
  const path = (other: string) => `/drivers/${driver.id}/logs/${other}`
  const exports = useExports({ watch: false })
  const range = `driver=${driver.id}&from=${date}&until=${date}`
  const hours = day.until - day.from !== DAY ? ` (${hoursMinutes(day.until - day.from)} hours)` : ''
  return (
    <header className="flex flex-wrap items-start gap-x-6 gap-y-3">
      <div className="min-w-0">
        <div className="flex items-center gap-2">
          <h1 className="wrap-anywhere min-w-0 text-xl">{driver.name}</h1>
          {today && live && <StatusBadge status={live.status} />}
          {today && live && <SetStatusMenu driver={live} />}
        </div>
        <p className="mt-0.5 font-medium">{dateTitle(date)}</p>
        <p className="mt-0.5 text-muted text-xs">
          {[
            driver.employeeNumber,
            day.unitNumbers.length > 0 && `truck ${day.unitNumbers.join(', ')}`,
            day.distanceMeters !== null && distance(day.distanceMeters, carrier.distanceUnit),
            `${driver.homeTerminal}: from ${clockTime(day.from, timeZone)} ${zoneLongName(day.from, timeZone)}${hours}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </div>
      <div className="ml-auto flex flex-wrap items-center gap-2 max-md:ml-0">
        <DaySteps
          date={date}
          before={addDays(date, -1)}
          after={addDays(date, 1)}
          latest={today ? date : null}
          path={path}
        >
          {!today && (
            <Link href={`/drivers/${driver.id}`} className={buttonClass('plain', 'small')}>
              Today
            </Link>
          )}
        </DaySteps>
        <ExportButton
          exports={exports}
          report={{ kind: 'driver-days', driverId: driver.id, from: date, until: date, rows: 'days' }}
          size="small"
        >
          CSV
        </ExportButton>
        <a
          href={`/print/driver-days?${range}`}
          target="_blank"
          rel="noreferrer"
          className={buttonClass('plain', 'small')}
        >
          <Printer aria-hidden className="size-4" />
          Print
        </a>
      </div>
      <ExportTrouble exports={exports} />
    </header>
  )
}

function Violations({ day }: { day: DayLog }) {
  return (
    <section
      aria-labelledby="violations"
      className="overflow-hidden rounded-lg border border-danger-fill/50 bg-danger-soft"
    >
      <h2 id="violations" className="flex items-center gap-2 px-4 pt-3 font-semibold text-danger">
        <TriangleAlert aria-hidden className="size-4" />
        Violations
      </h2>
      <ul className="flex flex-col gap-2 px-4 pt-1 pb-3">
        {day.violations.map((violation) => (
          <li key={`${violation.rule}${violation.from}`} className="text-danger">
            <span className="font-semibold">
              {violation.title}, {brokenFor(violation, day.driver.timeZone)}.
            </span>{' '}
            {violation.explanation}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Clocks({ day, live }: { day: DayLog; live: DriverRow | null }) {
  const now = useNow()
  const readings = live
    ? readClocks(live, now)
    : readClocks({ ...day, evaluatedAt: day.recordedUntil }, day.recordedUntil)
  return (
    <section aria-labelledby="clocks" className="rounded-lg border border-line bg-surface px-4 py-3">
      <h2 id="clocks" className="mb-2 font-semibold">
        {live
          ? 'Left now'
          : `Left at the end of the day, ${zonedDateTime(day.recordedUntil, day.driver.timeZone)}`}
      </h2>
      <div className="grid grid-cols-2 gap-x-8 gap-y-3 md:grid-cols-4">
        {readings.map((reading) => (
          <div key={reading.name}>
            <ClockMeter reading={reading} title />
            {reading.runsOutAt !== null && (
              <p className="mt-1 text-muted text-xs tabular-nums">
                until {zonedDateTime(reading.runsOutAt, day.driver.timeZone, day.recordedUntil)}
              </p>
            )}
          </div>
        ))}
      </div>
    </section>
  )
}

/** The question that every call to a dispatcher ends with. */
function Advice({ day, advice }: { day: DayLog; advice: AdviceRow }) {
  return (
    <section aria-labelledby="advice" className="rounded-lg border border-line bg-surface px-4 py-3">
      <h2 id="advice" className="mb-1.5 font-semibold">
        What is possible
      </h2>
      <AdviceList advice={advice} timeZone={day.driver.timeZone} today={day.recordedUntil} />
    </section>
  )
}

function Events({ day }: { day: DayLog }) {
  const { timeZone } = day.driver
  return (
    <section aria-labelledby="events" className="overflow-x-auto rounded-lg border border-line bg-surface">
      <h2 id="events" className="px-4 pt-3 pb-2 font-semibold">
        Events
      </h2>
      <table className="w-full text-left tabular-nums">
        <thead className="text-muted text-xs">
          <tr className="border-line border-b [&>th]:px-4 [&>th]:py-1.5 [&>th]:font-normal">
            <th>Time ({zoneName(day.from, timeZone)})</th>
            <th>Status</th>
            <th className="max-md:hidden">For</th>
            <th className="max-md:hidden">Truck</th>
            <th>Place</th>
            <th className="max-md:hidden">Set by</th>
            <th className="max-md:hidden">Remark</th>
          </tr>
        </thead>
        <tbody>
          {day.events.map((event, i) => (
            <tr
              key={`${event.at} ${event.status}`}
              className="border-line border-b last:border-b-0 [&>td]:px-4 [&>td]:py-1.5"
            >
              <td className="whitespace-nowrap">{clockTimeSeconds(event.at, timeZone)}</td>
              <td>
                <StatusBadge status={event.status} />
              </td>
              <td className="max-md:hidden">
                {hoursMinutes((day.events[i + 1]?.at ?? day.recordedUntil) - event.at)}
              </td>
              <td className="max-md:hidden">{event.unitNumber ?? ''}</td>
              <td>{event.place}</td>
              <td className="text-muted max-md:hidden">{event.recordedBy ?? ORIGIN[event.origin]}</td>
              <td className="max-md:hidden">{event.annotation}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Loading() {
  return (
    <div role="status" className="mx-auto flex w-full max-w-6xl flex-col gap-4 p-4">
      <h1 className="sr-only">Loading the day…</h1>
      <Skeleton className="h-16 w-80 max-w-full" />
      <Skeleton className="h-60 w-full" />
      <Skeleton className="h-24 w-full" />
      <Skeleton className="h-64 w-full" />
    </div>
  )
}
