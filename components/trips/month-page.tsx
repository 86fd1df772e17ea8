'use client'
import { useQuery } from '@tanstack/react-query'
import { TriangleAlert, Truck } from 'lucide-react'
import Link from 'next/link'
import { hoursMinutes } from '../../server/time/duration.ts'
import type { FleetMonth } from '../../server/trips/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { dateIn, distance, plural } from '../format.ts'
import { useNow } from '../live/live.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { Steps } from '../ui/steps.tsx'

const TITLE = new Intl.DateTimeFormat('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' })

const LAST = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  month: 'short',
  day: 'numeric',
  timeZone: 'UTC',
})

/** The month `by` months after; both `YYYY-MM`. */
function addMonths(month: string, by: number): string {
  const at = new Date(`${month}-01T00:00:00Z`)
  at.setUTCMonth(at.getUTCMonth() + by)
  return at.toISOString().slice(0, 7)
}

/** What every truck drove in a month; a truck leads to its days. */
export function MonthPage({ month: asked }: { month: string | undefined }) {
  const { fleet } = useViewer()
  const current = dateIn(useNow(), fleet.timeZone).slice(0, 7)
  const month = asked ?? current
  const trpc = useTRPC()
  const { data, error, refetch, isFetching } = useQuery(
    trpc.trips.month.queryOptions({ month }, { placeholderData: (before) => before }),
  )
  const path = (other: string) => (other === current ? '/vehicles' : `/vehicles?month=${other}`)
  return (
    <article className="mx-auto flex w-full max-w-4xl flex-col gap-4 p-4" aria-busy={isFetching}>
      <header className="flex flex-wrap items-start gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="text-xl">Trips</h1>
          <p className="mt-0.5 font-medium">{TITLE.format(new Date(`${month}-01T00:00:00Z`))}</p>
          {data ? (
            <p className="mt-0.5 text-muted text-xs">{summary(data)}</p>
          ) : (
            <Skeleton className="mt-1 h-4 w-48" />
          )}
        </div>
        <div className="ml-auto">
          <Steps
            label="Months"
            before={{ href: path(addMonths(month, -1)), label: 'The month before' }}
            after={
              month >= current
                ? 'The month after has not begun'
                : { href: path(addMonths(month, 1)), label: 'The month after' }
            }
          />
        </div>
      </header>
      {data ? (
        <Trucks month={data} />
      ) : error ? (
        <Notice
          alert
          icon={TriangleAlert}
          title="The month can’t be shown"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : (
        <div role="status">
          <span className="sr-only">Loading the month…</span>
          <Skeleton className="h-96 w-full" />
        </div>
      )}
    </article>
  )
}

function summary({ vehicles, distanceUnit }: FleetMonth): string {
  const trips = vehicles.reduce((sum, one) => sum + one.trips, 0)
  const meters = vehicles.reduce((sum, one) => sum + one.distanceMeters, 0)
  return `${plural(vehicles.length, 'truck', 'trucks')}, ${plural(trips, 'trip', 'trips')}, ${distance(meters, distanceUnit)}`
}

function Trucks({ month }: { month: FleetMonth }) {
  if (month.vehicles.length === 0)
    return (
      <Notice icon={Truck} title="No trucks yet">
        A truck is listed here as soon as it is enrolled.
      </Notice>
    )
  return (
    <section aria-label="Trucks" className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full text-left tabular-nums">
        <thead className="text-muted text-xs">
          <tr className="border-line border-b [&>th]:px-4 [&>th]:py-1.5 [&>th]:font-normal">
            <th>Truck</th>
            <th className="text-right">Trips</th>
            <th className="text-right">Distance</th>
            <th className="text-right">Moving</th>
            <th className="text-right max-md:hidden">Days driven</th>
            <th className="max-md:hidden">Last driven</th>
          </tr>
        </thead>
        <tbody>
          {month.vehicles.map((one) => {
            const last = one.days.at(-1)?.date
            return (
              <tr
                key={one.vehicleId}
                className="border-line border-b last:border-b-0 [&>td]:px-4 [&>td]:py-1.5"
              >
                <td>
                  <Link
                    href={`/vehicles/${one.vehicleId}${last ? `?day=${last}` : ''}`}
                    className="wrap-anywhere inline-block min-w-12 rounded py-0.5 font-medium text-accent hover:underline"
                  >
                    {one.unitNumber}
                  </Link>
                </td>
                <td className="text-right">{one.trips.toLocaleString('en-US')}</td>
                <td className="whitespace-nowrap text-right">
                  {distance(one.distanceMeters, month.distanceUnit)}
                </td>
                <td className="text-right">{hoursMinutes(one.movingMs)}</td>
                <td className="text-right max-md:hidden">{one.days.length}</td>
                <td className="whitespace-nowrap text-muted max-md:hidden">
                  {last ? LAST.format(new Date(`${last}T00:00:00Z`)) : 'stood'}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
