import type { Metadata } from 'next'
import { FleetPage } from '../../../components/fleet/fleet-page.tsx'

export const metadata: Metadata = { title: 'Live map' }

export default function MapPage() {
  return <FleetPage />
}
