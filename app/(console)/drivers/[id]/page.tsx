import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DayPage } from '../../../../components/logs/day-page.tsx'
import { titleOf } from '../../../titles.ts'
import { signedIn } from '../../../viewer.ts'

interface Props {
  params: Promise<{ id: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return titleOf('/drivers/[id]', 'driver', (await params).id, (name) => name, 'Driver’s day')
}

/** Today, whatever day that is at the driver's home terminal. */
export default async function Today({ params }: Props) {
  const { id } = await params
  await signedIn('/drivers/[id]')
  if (!/^\d{1,16}$/.test(id)) notFound()
  return <DayPage driverId={Number(id)} />
}
