import type { Metadata } from 'next'
import { DriverBoard } from '../../../components/drivers/driver-board.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Drivers' }

export default async function Drivers() {
  await signedIn('/drivers')
  return <DriverBoard />
}
