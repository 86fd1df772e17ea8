'use client'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { CircleParking, Map as MapIcon, Route, TriangleAlert, WifiOff } from 'lucide-react'
import dynamic from 'next/dynamic'
import Link from 'next/link'
import { parseAsInteger, useQueryState } from 'nuqs'
import { hoursMinutes } from '../../server/time/duration.ts'
import { addDays } from '../../server/time/zone.ts'
import type { DayEntry, TripEntry, VehicleDay } from '../../server/trips/schema.ts'
import { reasonOf, useReason, useTRPC } from '../api.tsx'
import { clockTime, dateIn, dateTitle, distance, plural, speed, zoneLongName, zoneName } from '../format.ts'
import { useNow } from '../live/live.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { cx } from '../ui/classes.ts'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { DaySteps } from '../ui/steps.tsx'
import { useTheme } from '../ui/theme.ts'
import { DOUBT, entryWords, totalsLine } from './entry-words.ts'

const AGAIN_MS = 30_000
const TrackMap = dynamic(() => import('./track-map.tsx').then((module) => module.TrackMap), {
  ssr: false,
  loading: () => <Skeleton className="size-full" />,
})

/** One truck's day: trips and stops with their places, what is not known, and the way of the trip that is chosen. */
export function VehicleDayPage({ vehicleId, date }: { vehicleId: number; date: string | undefined }) {
  const trpc = useTRPC()
  const day = useQuery(
    trpc.trips.day.queryOptions(
      { vehicleId, ...(date && { date }) },
      {
        // Today grows, and what can't be read is asked for again.
        refetchInterval: ({ state }) => (date === undefined || !state.data ? AGAIN_MS : false),
        placeholderData: (before) => (before?.vehicle.id === vehicleId ? before : undefined),
      },
    ),
  )
  const { data, refetch, isFetching } = day
  const error = useReason(day)
  if (error && !data) {
    return (
      <Notice
        alert
        icon={TriangleAlert}
        title={<h1>This day can’t be shown</h1>}
        action={
          <>
            <Button onClick={() => void refetch()}>Try again</Button>
            <Link href="/vehicles" className={buttonClass()}>
              All trucks
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
      <Head day={data} />
      {data.entries.length === 0 ? (
        <Notice icon={Route} title="Nothing is known of this day">
          The truck sent no position from which a trip or a stop could be told.
        </Notice>
      ) : (
        <Entries day={data} />
      )}
      <Doubts day={data} />
    </article>
  )
}

function Head({ day }: { day: VehicleDay }) {
  const { vehicle, date, timeZone, distanceUnit } = day
  const today = dateIn(useNow(), timeZone)
  const path = (other: string) => `/vehicles/${vehicle.id}${other === today ? '' : `?day=${other}`}`
  return (
    <header className="flex flex-wrap items-start gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="text-xl">Truck {vehicle.unitNumber}</h1>
        <p className="mt-0.5 font-medium">
          {dateTitle(date)}: <span data-testid="totals">{totalsLine(day.totals, distanceUnit)}</span>
        </p>
        <p className="mt-0.5 text-muted text-xs">
          {[
            vehicle.makeModel,
            day.odometerMeters !== null &&
              `odometer ${distance(day.odometerMeters, distanceUnit)}${date === today ? '' : ' at the end of the day'}`,
            `${day.homeTerminal ?? 'the fleet’s zone'}: ${zoneLongName(day.from, timeZone)}`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      </div>
      <div className="ml-auto max-md:ml-0">
        <DaySteps date={date} before={addDays(date, -1)} after={addDays(date, 1)} latest={today} path={path}>
          <Link href={`/map?truck=${vehicle.id}`} className={buttonClass('plain', 'small')}>
            <MapIcon aria-hidden className="size-4" />
            Live map
          </Link>
        </DaySteps>
      </div>
    </header>
  )
}

const ICON = { trip: Route, stop: CircleParking, gap: WifiOff }

function Entries({ day }: { day: VehicleDay }) {
  const [chosenAt, setChosenAt] = useQueryState('trip', parseAsInteger)
  const trips = day.entries.filter((entry): entry is TripEntry => entry.kind === 'trip')
  const chosen = trips.find(({ startedAt }) => startedAt === chosenAt) ?? null
  return (
    <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_26rem]">
      <section aria-labelledby="entries" className="overflow-hidden rounded-lg border border-line bg-surface">
        <h2 id="entries" className="px-4 pt-3 pb-2 font-semibold">
          Trips and stops
        </h2>
        <ol className="divide-y divide-line">
          {day.entries.map((entry) => (
            <li key={`${entry.kind} ${entry.startedAt}`}>
              <Entry
                day={day}
                entry={entry}
                chosen={entry === chosen}
                onChoose={(at) => void setChosenAt(at)}
              />
            </li>
          ))}
        </ol>
      </section>
      {trips.length > 0 && <Way day={day} trip={chosen} />}
    </div>
  )
}

function Entry({
  day,
  entry,
  chosen,
  onChoose,
}: {
  day: VehicleDay
  entry: DayEntry
  chosen: boolean
  onChoose(at: number | null): void
}) {
  const { timeZone, distanceUnit } = day
  const { title, place, note } = entryWords(entry, day.from, day.until)
  const Icon = ICON[entry.kind]
  const open = entry.kind !== 'gap' && entry.endsBy === 'open'
  const figures = [
    hoursMinutes(entry.endedAt - entry.startedAt),
    entry.kind === 'trip' && distance(entry.distanceMeters, distanceUnit),
    entry.kind === 'gap' && `${distance(entry.distanceMeters, distanceUnit)} at least`,
    entry.kind === 'trip' &&
      entry.maxSpeedKph !== null &&
      `at most ${speed(entry.maxSpeedKph, distanceUnit)}`,
  ].filter(Boolean)
  const content = (
    <>
      <Icon
        aria-hidden
        className={cx('mt-0.5 size-4 shrink-0', entry.kind === 'gap' ? 'text-warning' : 'text-faint')}
      />
      <span className="w-28 shrink-0 tabular-nums max-md:w-24">
        {clockTime(entry.startedAt, timeZone)}–
        {open ? (entry.kind === 'stop' ? 'now' : '…') : clockTime(entry.endedAt, timeZone)}{' '}
        <span className="text-muted text-xs">{zoneName(entry.startedAt, timeZone)}</span>
      </span>
      <span className="min-w-0 flex-1">
        <span className="font-medium">{title}</span>{' '}
        <span className="text-muted tabular-nums">{figures.join(' · ')}</span>
        <span className="block">{place}</span>
        {note && <span className="block text-muted text-xs">{note}</span>}
      </span>
    </>
  )
  const shape = 'flex w-full items-start gap-2.5 px-4 py-2 text-left'
  if (entry.kind !== 'trip')
    return <div className={cx(shape, entry.kind === 'gap' && 'bg-warning-soft')}>{content}</div>
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={() => onChoose(chosen ? null : entry.startedAt)}
      className={cx(shape, 'hover:bg-hover', chosen && 'bg-accent-soft')}
    >
      {content}
    </button>
  )
}

function Way({ day, trip }: { day: VehicleDay; trip: TripEntry | null }) {
  const trpc = useTRPC()
  const dark = useTheme() === 'dark'
  const from = trip?.startedAt ?? Math.max(day.from, day.entries[0]!.startedAt)
  const until = trip?.endedAt ?? Math.min(day.until, day.entries.at(-1)!.endedAt)
  const { data, error } = useQuery(
    trpc.trips.track.queryOptions(
      { vehicleId: day.vehicle.id, from, until },
      { placeholderData: keepPreviousData },
    ),
  )
  const zoned = (at: number) => clockTime(at, day.timeZone)
  const title = trip
    ? `The way of the trip ${zoned(trip.startedAt)} to ${zoned(trip.endedAt)} ${zoneName(trip.startedAt, day.timeZone)}`
    : 'The way of the day'
  return (
    <section
      aria-labelledby="way"
      className="flex h-96 flex-col overflow-hidden rounded-lg border border-line bg-surface lg:sticky lg:top-4"
    >
      <h2 id="way" className="px-4 pt-3 pb-2 font-semibold">
        {title}
        <span className="block font-normal text-muted text-xs">From the ring to the disc.</span>
      </h2>
      <div className="relative min-h-0 flex-1">
        {data ? (
          <TrackMap track={data} dark={dark} />
        ) : error ? (
          <p className="px-4 text-muted">{reasonOf(error)}</p>
        ) : (
          <Skeleton className="size-full" />
        )}
      </div>
    </section>
  )
}

function Doubts({ day }: { day: VehicleDay }) {
  const devices = day.devices.filter(({ doubtful }) => doubtful > 0)
  if (devices.length === 0) return null
  return (
    <section aria-labelledby="doubts" className="rounded-lg border border-line bg-surface px-4 py-3">
      <h2 id="doubts" className="font-semibold">
        Positions that were not believed
      </h2>
      <p className="text-muted text-xs">They are kept as evidence, and nothing here is derived from them.</p>
      <ul className="mt-1.5">
        {devices.map(({ device, points, doubtful, reasons }) => (
          <li key={device} className="tabular-nums">
            <span className="font-medium">{device}</span>: {doubtful.toLocaleString('en-US')} of{' '}
            {plural(points, 'position', 'positions')} (
            {reasons.map(({ reason, points: count }) => `${count} ${DOUBT[reason]}`).join(', ')})
          </li>
        ))}
      </ul>
    </section>
  )
}

function Loading() {
  return (
    <div role="status" className="mx-auto flex w-full max-w-6xl flex-col gap-4 p-4">
      <h1 className="sr-only">Loading the day…</h1>
      <Skeleton className="h-16 w-80 max-w-full" />
      <Skeleton className="h-96 w-full" />
    </div>
  )
}
