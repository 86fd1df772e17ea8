import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DayPage } from '../../../../../../components/logs/day-page.tsx'
import { LogDate } from '../../../../../../server/logs/schema.ts'

export const metadata: Metadata = { title: 'Driver’s day' }

export default async function Day({ params }: { params: Promise<{ id: string; day: string }> }) {
  const { id, day } = await params
  if (!/^\d{1,16}$/.test(id) || !LogDate.safeParse(day).success) notFound()
  return <DayPage driverId={Number(id)} date={day} />
}
