import { Compass } from 'lucide-react'
import Link from 'next/link'
import { buttonClass } from '../components/ui/button.tsx'
import { Notice } from '../components/ui/notice.tsx'

export default function NotFound() {
  return (
    <main className="grid min-h-dvh place-items-center">
      <Notice
        icon={Compass}
        title={<h1>There is nothing at this address</h1>}
        action={
          <Link href="/map" className={buttonClass('primary')}>
            To the live map
          </Link>
        }
      >
        The link may be old, or what it showed belongs to another fleet.
      </Notice>
    </main>
  )
}
