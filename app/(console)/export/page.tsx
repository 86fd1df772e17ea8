import type { Metadata } from 'next'
import { ExportPage } from '../../../components/reports/export-page.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Export' }

export default async function Export() {
  await signedIn('/export')
  return <ExportPage />
}
