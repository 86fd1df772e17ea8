import type { ReactNode } from 'react'
import { Shell } from '../../components/shell/shell.tsx'
import { me } from '../../server/fleet/fleets.ts'
import { inFleet } from '../in-fleet.ts'
import { signedIn } from '../viewer.ts'

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const person = await signedIn('/')
  return <Shell me={await inFleet(person, (tx) => me(tx, person))}>{children}</Shell>
}
