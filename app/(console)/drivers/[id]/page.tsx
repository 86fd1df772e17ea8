import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DayPage } from '../../../../components/logs/day-page.tsx'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Driver’s day' }

/** Today, whatever day that is at the driver's home terminal. */
export default async function Today({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  await signedIn('/drivers/[id]')
  if (!/^\d{1,16}$/.test(id)) notFound()
  return <DayPage driverId={Number(id)} />
}
