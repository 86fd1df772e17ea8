import type { Metadata } from 'next'
import { DriverBoard } from '../../../components/drivers/driver-board.tsx'

export const metadata: Metadata = { title: 'Drivers' }

export default function Drivers() {
  return <DriverBoard />
}
