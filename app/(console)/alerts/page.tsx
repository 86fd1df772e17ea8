import type { Metadata } from 'next'
import { AlertsPage } from '../../../components/alerts/alerts-page.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Alerts' }

export default async function Alerts() {
  await signedIn('/alerts')
  return <AlertsPage />
}
