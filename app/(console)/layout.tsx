import type { ReactNode } from 'react'
import { Shell } from '../../components/shell/shell.tsx'
import { db } from '../../server/db/pool.ts'
import { me } from '../../server/fleet/fleets.ts'
import { signedIn } from '../viewer.ts'

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  return <Shell me={await me(db(), await signedIn('/'))}>{children}</Shell>
}
