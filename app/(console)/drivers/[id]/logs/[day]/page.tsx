import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DayPage } from '../../../../../../components/logs/day-page.tsx'
import { LogDate } from '../../../../../../server/logs/schema.ts'
import { titleOf } from '../../../../../titles.ts'
import { signedIn } from '../../../../../viewer.ts'

interface Props {
  params: Promise<{ id: string; day: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { id, day } = await params
  return titleOf('/drivers/[id]/logs/[day]', 'driver', id, (name) => `${name}, ${day}`, 'Driver’s day')
}

export default async function Day({ params }: Props) {
  const { id, day } = await params
  await signedIn('/drivers/[id]/logs/[day]')
  if (!/^\d{1,16}$/.test(id) || !LogDate.safeParse(day).success) notFound()
  return <DayPage driverId={Number(id)} date={day} />
}
