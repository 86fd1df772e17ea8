import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DevicePage } from '../../../../components/devices/device-page.tsx'
import { titleOf } from '../../../titles.ts'
import { signedIn } from '../../../viewer.ts'
import { doorsOf } from '../doors.ts'

interface Props {
  params: Promise<{ id: string }>
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return titleOf('/devices/[id]', 'device', (await params).id, (name) => name, 'Device')
}

export default async function Device({ params }: Props) {
  await signedIn('/devices/[id]')
  const { id } = await params
  if (!/^\d{1,16}$/.test(id)) notFound()
  return <DevicePage id={Number(id)} doors={doorsOf()} />
}
