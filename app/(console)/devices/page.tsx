import type { Metadata } from 'next'
import { DevicesPage } from '../../../components/devices/devices-page.tsx'
import { signedIn } from '../../viewer.ts'
import { doorsOf } from './doors.ts'

export const metadata: Metadata = { title: 'Devices' }

export default async function Devices() {
  await signedIn('/devices')
  return <DevicesPage doors={doorsOf()} />
}
