import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { DevicePage } from '../../../../components/devices/device-page.tsx'
import { signedIn } from '../../../viewer.ts'
import { doorsOf } from '../doors.ts'

export const metadata: Metadata = { title: 'Device' }

export default async function Device({ params }: { params: Promise<{ id: string }> }) {
  await signedIn('/devices/[id]')
  const { id } = await params
  if (!/^\d{1,16}$/.test(id)) notFound()
  return <DevicePage id={Number(id)} doors={doorsOf()} />
}
