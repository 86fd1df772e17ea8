import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DayPage } from '../../../../../../components/logs/day-page.tsx'
import { LogDate } from '../../../../../../server/logs/schema.ts'
import { signedIn } from '../../../../../viewer.ts'

export const metadata: Metadata = { title: 'Driver’s day' }

export default async function Day({ params }: { params: Promise<{ id: string; day: string }> }) {
  const { id, day } = await params
  await signedIn('/drivers/[id]/logs/[day]')
  if (!/^\d{1,16}$/.test(id) || !LogDate.safeParse(day).success) notFound()
  return <DayPage driverId={Number(id)} date={day} />
}
