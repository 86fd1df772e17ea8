import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { VehicleDayPage } from '../../../../components/trips/vehicle-day-page.tsx'
import { CalendarDate } from '../../../../server/trips/schema.ts'
import { titleOf } from '../../../titles.ts'
import { signedIn } from '../../../viewer.ts'

interface Props {
  params: Promise<{ id: string }>
  searchParams: Promise<{ day?: string | string[] }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return titleOf('/vehicles/[id]', 'vehicle', (await params).id, (name) => `Truck ${name}`, 'Truck’s day')
}

export default async function Vehicle({ params, searchParams }: Props) {
  const { id } = await params
  const { day } = await searchParams
  await signedIn('/vehicles/[id]')
  if (!/^\d{1,16}$/.test(id)) notFound()
  if (day !== undefined && !CalendarDate.safeParse(day).success) notFound()
  return <VehicleDayPage vehicleId={Number(id)} date={day as string | undefined} />
}
