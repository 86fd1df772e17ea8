import type { Metadata } from 'next'
import { LabPage } from '../../../components/lab/lab-page.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Hours lab' }

export default async function Lab() {
  await signedIn('/lab')
  return <LabPage />
}
