import type { Metadata } from 'next'
import { LabPage } from '../../../components/lab/lab-page.tsx'

export const metadata: Metadata = { title: 'Hours lab' }

export default function Lab() {
  return <LabPage />
}
