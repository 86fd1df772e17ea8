import type { Metadata } from 'next'
import { DeviceSignInPage } from '../../../../components/device-sign-in/device-sign-in-page.tsx'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Device sign-in' }

export default async function Page() {
  await signedIn('/settings/device-sign-in')
  return <DeviceSignInPage />
}
