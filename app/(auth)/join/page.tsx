import type { Metadata } from 'next'
import { JoinPage } from '../../../components/people/join-page.tsx'
import { viewer } from '../../viewer.ts'

export const metadata: Metadata = { title: 'Join a fleet' }

export default async function Join() {
  const person = await viewer()
  return <JoinPage signedInAs={person?.local ? person.email : null} />
}
