import type { Metadata } from 'next'
import { ExportPage } from '../../../components/reports/export-page.tsx'

export const metadata: Metadata = { title: 'Export' }

export default function Export() {
  return <ExportPage />
}
