import type { Metadata } from 'next'
import { AccountPage } from '../../../components/people/account-page.tsx'
import { signedIn } from '../../viewer.ts'

export const metadata: Metadata = { title: 'My account' }

export default async function Page() {
  await signedIn('/account')
  return <AccountPage />
}
