'use client'
import { useQuery } from '@tanstack/react-query'
import { CalendarDays, MapPin, Route, TriangleAlert, X } from 'lucide-react'
import Link from 'next/link'
import { VehicleState } from '../../server/geo/frame.ts'
import type { DriverRow } from '../../server/logs/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { age, ago, coordinates, distance, heading, lasting, speed, zonedTime } from '../format.ts'
import { useLive, useLiveValue, useNow } from '../live/live.tsx'
import { AdviceList } from '../logs/advice-list.tsx'
import { ClockMeter } from '../logs/clock-meter.tsx'
import { readClocks } from '../logs/clocks.ts'
import { StatusBadge } from '../logs/status-badge.tsx'
import { useTruckStore } from '../map/useTruckStore.ts'
import { useViewer } from '../shell/viewer.tsx'
import { totalsLine } from '../trips/entry-words.ts'
import { buttonClass, IconButton } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'

const PLACE_EVERY_MS = 15_000
const ADVICE_EVERY_MS = 30_000
const TRIPS_EVERY_MS = 60_000

/** Everything about one truck at a glance: who drives, for how long still, where it is and since when we know. */
export function TruckCard({ vehicleId, onClose }: { vehicleId: number; onClose(): void }) {
  const trpc = useTRPC()
  const { data, error } = useQuery(
    trpc.fleet.vehicle.queryOptions({ id: vehicleId }, { refetchInterval: PLACE_EVERY_MS }),
  )
  const driver = useLiveValue((store) => store.driverOf.get(vehicleId) ?? null)
  if (error && !data) {
    return (
      <div className="relative">
        <IconButton label="Close" onClick={onClose} className="absolute top-2 right-2">
          <X aria-hidden className="size-4" />
        </IconButton>
        <Notice alert icon={TriangleAlert} title="This truck can’t be shown">
          {reasonOf(error)}
        </Notice>
      </div>
    )
  }
  return (
    <section aria-label={data ? `Truck ${data.unitNumber}` : 'Truck'} className="flex flex-col">
      <header className="flex items-start gap-2 px-4 pt-3 pb-2">
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold text-lg leading-6">
            {data ? `Truck ${data.unitNumber}` : <Skeleton className="h-5 w-28" />}
          </h2>
          <p className="truncate text-muted text-xs">
            {data ? [data.makeModel, data.plate].filter(Boolean).join(' · ') : ' '}
          </p>
        </div>
        <IconButton label="Close" onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      {driver ? (
        <DriverPart driver={driver} />
      ) : (
        <p className="px-4 pb-3 text-muted">{data?.driverName ?? 'No driver is assigned.'}</p>
      )}
      <PlacePart
        vehicleId={vehicleId}
        place={data?.lastReport?.place ?? null}
        odometer={data?.lastReport?.odometerMeters ?? null}
      />
      <TripsPart vehicleId={vehicleId} />
    </section>
  )
}

function DriverPart({ driver }: { driver: DriverRow }) {
  const now = useNow()
  const readings = readClocks(driver, now)
  const trpc = useTRPC()
  const { data: advice } = useQuery(
    trpc.logs.advice.queryOptions({ driverId: driver.driverId }, { refetchInterval: ADVICE_EVERY_MS }),
  )
  return (
    <>
      <div className="flex items-center justify-between gap-3 px-4 pb-3">
        <Link
          href={`/drivers/${driver.driverId}`}
          className="min-w-0 truncate font-medium text-accent hover:underline"
        >
          {driver.name}
        </Link>
        <span className="flex items-center gap-2 whitespace-nowrap">
          <StatusBadge status={driver.status} />
          <span className="text-muted text-xs tabular-nums">
            {lasting(now - driver.statusSince)}
            <span className="sr-only"> since {zonedTime(driver.statusSince, driver.timeZone)}</span>
          </span>
        </span>
      </div>
      <div className="grid grid-cols-2 gap-x-6 gap-y-3 border-line border-t px-4 py-3 max-md:grid-cols-4 max-md:gap-x-2">
        {readings.map((reading) => (
          <ClockMeter key={reading.name} reading={reading} title />
        ))}
      </div>
      {driver.violations.map((violation) => (
        <div
          key={`${violation.rule}${violation.from}`}
          className="flex gap-2 border-line border-t bg-danger-soft px-4 py-2.5 text-danger text-xs"
        >
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
          <p>
            <span className="font-semibold">{violation.title}.</span> {violation.explanation}
          </p>
        </div>
      ))}
      {advice && (
        <div className="border-line border-t px-4 py-3 text-xs">
          <AdviceList advice={advice} timeZone={driver.timeZone} today={now} most={1} />
        </div>
      )}
      <div className="border-line border-t px-4 py-3">
        <Link href={`/drivers/${driver.driverId}`} className={buttonClass('plain', 'small')}>
          <CalendarDays aria-hidden className="size-4" />
          Driver’s day
        </Link>
      </div>
    </>
  )
}

function TripsPart({ vehicleId }: { vehicleId: number }) {
  const trpc = useTRPC()
  const { data } = useQuery(trpc.trips.day.queryOptions({ vehicleId }, { refetchInterval: TRIPS_EVERY_MS }))
  return (
    <div className="flex items-center justify-between gap-3 border-line border-t px-4 py-3 text-xs">
      <p className="min-w-0 text-muted tabular-nums">
        {data ? (
          `Today: ${totalsLine(data.totals, data.distanceUnit)}`
        ) : (
          <Skeleton className="inline-block h-4 w-40" />
        )}
      </p>
      <Link href={`/vehicles/${vehicleId}`} className={buttonClass('plain', 'small')}>
        <Route aria-hidden className="size-4" />
        Trips
      </Link>
    </div>
  )
}

function PlacePart({
  vehicleId,
  place,
  odometer,
}: {
  vehicleId: number
  place: string | null
  odometer: number | null
}) {
  const live = useLive()
  const { fleet } = useViewer()
  const now = useNow()
  const truck = useTruckStore(live.trucks, (store) => store.find(vehicleId))
  if (!truck) return <p className="border-line border-t px-4 py-3 text-muted">No position yet.</p>
  const unheardMs = Math.max(0, now - truck.receivedTime)
  const backlogMs = truck.receivedTime - truck.fixTime
  return (
    <div className="flex gap-2.5 border-line border-t px-4 py-3 text-xs">
      <MapPin aria-hidden className="mt-0.5 size-4 shrink-0 text-faint" />
      <div className="flex min-w-0 flex-col gap-0.5">
        <p className="font-medium text-sm">{place ?? coordinates(truck.latitude, truck.longitude)}</p>
        <p className="text-muted tabular-nums">
          <span data-testid="speed">{speed(truck.speedKph, fleet.distanceUnit)}</span>
          {truck.headingDegrees !== null && ` · ${heading(truck.headingDegrees)}`}
          {odometer !== null && ` · ${distance(odometer, fleet.distanceUnit)}`}
        </p>
        <p className="text-muted tabular-nums" data-testid="coordinates">
          {coordinates(truck.latitude, truck.longitude)}
        </p>
        <p className={truck.state === VehicleState.silent ? 'font-semibold text-danger' : 'text-muted'}>
          {truck.state === VehicleState.silent ? 'Silent: last heard ' : 'Heard '}
          {ago(unheardMs)}
          {backlogMs > 60_000 && `, ${age(backlogMs)} after it was there`}
        </p>
      </div>
    </div>
  )
}
