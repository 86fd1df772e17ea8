'use client'
import Link from 'next/link'
import { can, ROUTES, type Route } from '../../server/auth/can.ts'
import { useViewer } from '../shell/viewer.tsx'
import { cx } from '../ui/classes.ts'

const PAGES: readonly { href: Route; label: string }[] = [
  { href: '/settings/people', label: 'People and roles' },
  { href: '/settings/sign-in', label: 'Sign-in' },
  { href: '/settings/device-sign-in', label: 'Device sign-in' },
  { href: '/settings/webhooks', label: 'Webhooks' },
]

/** The settings that this person's role may see. */
export function SettingsTabs({ current }: { current: Route }) {
  const { role } = useViewer().user
  const pages = PAGES.filter(({ href }) => {
    const action = ROUTES[href]
    return action === 'anyone' || can(role, action)
  })
  return (
    <nav
      aria-label="Settings"
      className="flex gap-x-5 max-md:gap-x-3 overflow-x-auto whitespace-nowrap shadow-[inset_0_-1px_var(--line)]"
    >
      {pages.map(({ href, label }) => (
        <Link
          key={href}
          href={href}
          aria-current={href === current ? 'page' : undefined}
          className={cx(
            'flex h-9 items-center border-b-2 font-medium text-sm',
            href === current ? 'border-accent text-ink' : 'border-transparent text-muted hover:text-ink',
          )}
        >
          {label}
        </Link>
      ))}
    </nav>
  )
}
