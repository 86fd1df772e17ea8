import { Lock } from 'lucide-react'
import Link from 'next/link'
import { buttonClass } from '../components/ui/button.tsx'
import { Notice } from '../components/ui/notice.tsx'
import { homeOf, ROLE_NAME } from '../server/auth/can.ts'
import { viewer } from './viewer.ts'

/** A page that this person's role may not see. */
export default async function Forbidden() {
  const person = await viewer()
  return (
    <main className="grid min-h-dvh place-items-center">
      <Notice
        icon={Lock}
        title={<h1>This page is not for your role</h1>}
        action={
          person && (
            <Link href={homeOf(person.role)} className={buttonClass('primary')}>
              To your first page
            </Link>
          )
        }
      >
        {person && `In this fleet you are a ${ROLE_NAME[person.role]}. `}
        An owner or a fleet admin can change what you may do.
      </Notice>
    </main>
  )
}
