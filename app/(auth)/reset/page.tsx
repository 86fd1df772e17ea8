import type { Metadata } from 'next'
import { ResetPage } from '../../../components/people/reset-page.tsx'

export const metadata: Metadata = { title: 'A new password' }

export default function Reset() {
  return <ResetPage />
}
