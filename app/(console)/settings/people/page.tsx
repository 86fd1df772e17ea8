import type { Metadata } from 'next'
import { PeoplePage } from '../../../../components/people/people-page.tsx'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'People and roles' }

export default async function Page() {
  await signedIn('/settings/people')
  return <PeoplePage />
}
