import type { Metadata } from 'next'
import { WebhooksPage } from '../../../../components/webhooks/webhooks-page.tsx'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Webhooks' }

export default async function Page() {
  await signedIn('/settings/webhooks')
  return <WebhooksPage />
}
