import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { MonthPage } from '../../../components/trips/month-page.tsx'
import { MonthOfFleet } from '../../../server/trips/schema.ts'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Trips of the month' }

export default async function Vehicles({
  searchParams,
}: {
  searchParams: Promise<{ month?: string | string[] }>
}) {
  const { month } = await searchParams
  await signedIn('/vehicles')
  if (month !== undefined && !MonthOfFleet.safeParse({ month }).success) notFound()
  return <MonthPage month={month as string | undefined} />
}
