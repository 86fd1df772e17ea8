import type { Metadata } from 'next'
import { SignInSettingsPage } from '../../../../components/people/sign-in-page.tsx'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Sign-in' }

export default async function Page() {
  await signedIn('/settings/sign-in')
  return <SignInSettingsPage />
}
