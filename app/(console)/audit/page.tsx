import type { Metadata } from 'next'
import { AuditPage } from '../../../components/audit/audit-page.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Audit log' }

export default async function Audit() {
  await signedIn('/audit')
  return <AuditPage />
}
