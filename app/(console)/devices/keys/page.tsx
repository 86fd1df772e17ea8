import type { Metadata } from 'next'
import { KeysPage } from '../../../../components/devices/keys-page.tsx'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Device keys' }

export default async function Page() {
  await signedIn('/devices/keys')
  return <KeysPage />
}
