import type { Metadata } from 'next'
import { FleetPage } from '../../../components/fleet/fleet-page.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Live map' }

export default async function MapPage() {
  await signedIn('/map')
  return <FleetPage />
}
