'use client'
import {
  Bell,
  CircleUser,
  Ellipsis,
  FileDown,
  FlaskConical,
  LogOut,
  type LucideIcon,
  Map as MapIcon,
  Monitor,
  Moon,
  RadioTower,
  Route as RouteIcon,
  ScrollText,
  Search,
  Settings,
  Sun,
  Users,
} from 'lucide-react'
import Link from 'next/link'
import { usePathname, useRouter } from 'next/navigation'
import { type ReactNode, useEffect, useState } from 'react'
import { can, ROUTES, type Role, type Route } from '../../server/auth/can.ts'
import type { Me } from '../../server/fleet/schema.ts'
import { ApiProvider } from '../api.tsx'
import { LiveProvider, useLiveValue } from '../live/live.tsx'
import { countOpen } from '../live/store.ts'
import { CountBadge } from '../ui/badge.tsx'
import { cx } from '../ui/classes.ts'
import { Kbd } from '../ui/kbd.tsx'
import { Menu, MenuChoice, MenuItem, MenuSeparator } from '../ui/menu.tsx'
import { chooseTheme, useThemeChoice } from '../ui/theme.ts'
import { ToastRegion } from '../ui/toast.tsx'
import { AlertToasts } from './alert-toasts.tsx'
import { FleetChoice } from './fleet-choice.tsx'
import { followFleet } from './fleets.ts'
import { LiveChip } from './live-chip.tsx'
import { Logo } from './logo.tsx'
import { Palette } from './palette.tsx'
import { ViewerContext } from './viewer.tsx'

const ROOMS: readonly { href: Route; label: string; icon: LucideIcon }[] = [
  { href: '/map', label: 'Live map', icon: MapIcon },
  { href: '/drivers', label: 'Drivers', icon: Users },
  { href: '/vehicles', label: 'Trips', icon: RouteIcon },
  { href: '/alerts', label: 'Alerts', icon: Bell },
  { href: '/devices', label: 'Devices', icon: RadioTower },
  { href: '/export', label: 'Export', icon: FileDown },
  { href: '/lab', label: 'Hours lab', icon: FlaskConical },
]

/** As many places stand side by side under a thumb; a phone has no room for more names. */
const THUMBS = 5

/** The pages that a person of this role may see. */
const roomsOf = (role: Role) =>
  ROOMS.filter(({ href }) => {
    const action = ROUTES[href]
    return action === 'anyone' || can(role, action)
  })

/** What stands around every page of the console. */
export function Shell({ me, children }: { me: Me; children: ReactNode }) {
  const { id: fleetId } = me.fleet
  useEffect(() => followFleet(fleetId), [fleetId])
  return (
    <ViewerContext value={me}>
      <ApiProvider>
        <LiveProvider scope={`${me.fleet.id}-${me.user.id}`} live={can(me.user.role, 'fleet.see')}>
          <ToastRegion>
            <AlertToasts />
            <Frame me={me}>{children}</Frame>
          </ToastRegion>
        </LiveProvider>
      </ApiProvider>
    </ViewerContext>
  )
}

function Frame({ me, children }: { me: Me; children: ReactNode }) {
  const [searching, setSearching] = useState(false)
  const pathname = usePathname()
  const rooms = roomsOf(me.user.role)
  const near = rooms.length > THUMBS ? rooms.slice(0, THUMBS - 1) : rooms
  const more = rooms.slice(near.length)
  useShortcuts(() => setSearching(true))
  return (
    <div className="flex h-dvh flex-col">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-accent focus:px-3 focus:py-2 focus:text-accent-ink"
      >
        Skip to the page
      </a>
      <header className="flex h-12 shrink-0 items-center gap-3 border-line border-b bg-surface px-3 md:px-4">
        <Link
          href="/map"
          aria-label="Restline"
          className="flex items-center gap-2 rounded font-semibold text-sm"
        >
          <Logo className="size-6" />
          <span className="max-md:hidden">Restline</span>
        </Link>
        <nav aria-label="Pages" className="ml-2 flex h-full items-stretch gap-1 max-md:hidden">
          {rooms.map((room) => (
            <RoomLink key={room.href} {...room} current={pathname.startsWith(room.href)} />
          ))}
        </nav>
        <p className="min-w-0 flex-1 truncate text-muted text-sm md:text-right">{me.fleet.name}</p>
        {can(me.user.role, 'fleet.see') && <LiveChip />}
        <button
          type="button"
          onClick={() => setSearching(true)}
          aria-keyshortcuts="Control+K Meta+K"
          className="flex h-8 items-center gap-2 rounded-md border border-line-strong/60 bg-surface px-2.5 text-muted text-xs hover:bg-hover"
        >
          <Search aria-hidden className="size-4" />
          <span className="max-md:sr-only">Find a truck or driver</span>
          <Kbd className="max-lg:hidden">Ctrl K</Kbd>
        </button>
        <PersonMenu me={me} />
      </header>
      <main id="main" className="flex min-h-0 flex-1 flex-col overflow-auto">
        {children}
      </main>
      <nav
        aria-label="Pages"
        className="grid shrink-0 auto-cols-fr grid-flow-col overflow-x-clip border-line border-t bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
      >
        {near.map((room) => (
          <RoomLink key={room.href} {...room} stacked current={pathname.startsWith(room.href)} />
        ))}
        {more.length > 0 && <MoreRooms rooms={more} pathname={pathname} />}
      </nav>
      <Palette open={searching} onOpenChange={setSearching} pages={rooms} />
    </div>
  )
}

const STACKED = 'h-14 min-w-0 flex-col justify-center gap-0.5 whitespace-nowrap text-2xs'
const CURRENT =
  'font-semibold text-ink after:absolute after:inset-x-2 after:h-0.5 after:rounded-full after:bg-accent'

/** On a phone: the pages that have no place in the bar. The button says which of them is open. */
function MoreRooms({ rooms, pathname }: { rooms: readonly (typeof ROOMS)[number][]; pathname: string }) {
  const router = useRouter()
  const here = rooms.find(({ href }) => pathname.startsWith(href))
  return (
    <Menu
      label={here ? `More pages, now ${here.label}` : 'More pages'}
      trigger={
        <button
          type="button"
          className={cx(
            'relative flex items-center',
            STACKED,
            here ? cx(CURRENT, 'after:top-0') : 'text-muted',
          )}
        >
          <Ellipsis aria-hidden className="size-5" />
          {here?.label ?? 'More'}
        </button>
      }
    >
      {rooms.map(({ href, label, icon: Icon }) => (
        <MenuItem key={href} onSelect={() => router.push(href)}>
          <Icon aria-hidden className="size-4 text-faint" />
          {label}
        </MenuItem>
      ))}
    </Menu>
  )
}

function RoomLink({
  href,
  label,
  icon: Icon,
  current,
  stacked,
}: {
  href: string
  label: string
  icon: LucideIcon
  current: boolean
  stacked?: boolean
}) {
  const open = useLiveValue((store) => (href === '/alerts' ? countOpen(store.alerts) : 0))
  return (
    <Link
      href={href}
      aria-current={current ? 'page' : undefined}
      className={cx(
        'relative flex items-center',
        stacked ? STACKED : 'gap-2 px-2.5 text-sm',
        current ? CURRENT : 'text-muted hover:text-ink',
        current && (stacked ? 'after:top-0' : 'after:bottom-0'),
      )}
    >
      <Icon aria-hidden className={stacked ? 'size-5' : 'size-4'} />
      {label}
      <CountBadge
        count={open}
        label="open"
        className={stacked ? 'absolute top-1.5 left-1/2 ml-2' : undefined}
      />
    </Link>
  )
}

function PersonMenu({ me }: { me: Me }) {
  const theme = useThemeChoice()
  const router = useRouter()
  const initials = me.user.name
    .split(/\s+/)
    .map((part) => part[0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase()
  return (
    <Menu
      label={`${me.user.name}: theme and sign out`}
      trigger={
        <button
          type="button"
          className="grid size-8 place-items-center rounded-full bg-accent-soft font-semibold text-2xs text-accent"
        >
          {initials}
        </button>
      }
    >
      <div className="wrap-anywhere px-2.5 pt-1.5 pb-2">
        <p className="font-medium text-sm">{me.user.name}</p>
        <p className="text-faint text-xs">{me.user.email}</p>
      </div>
      <MenuSeparator />
      <MenuChoice
        label="Theme"
        value={theme}
        onChange={chooseTheme}
        options={[
          {
            value: 'system',
            label: 'As the system',
            icon: <Monitor aria-hidden className="size-4 text-faint" />,
          },
          { value: 'light', label: 'Light', icon: <Sun aria-hidden className="size-4 text-faint" /> },
          { value: 'dark', label: 'Dark', icon: <Moon aria-hidden className="size-4 text-faint" /> },
        ]}
      />
      <MenuSeparator />
      <FleetChoice />
      <MenuItem onSelect={() => router.push('/account')}>
        <CircleUser aria-hidden className="size-4 text-faint" />
        My account
      </MenuItem>
      {can(me.user.role, 'people.see') && (
        <MenuItem onSelect={() => router.push('/settings/people')}>
          <Settings aria-hidden className="size-4 text-faint" />
          People and sign-in
        </MenuItem>
      )}
      {can(me.user.role, 'audit.see') && (
        <MenuItem onSelect={() => router.push('/audit')}>
          <ScrollText aria-hidden className="size-4 text-faint" />
          Audit log
        </MenuItem>
      )}
      <MenuItem onSelect={signOut}>
        <LogOut aria-hidden className="size-4 text-faint" />
        Sign out
      </MenuItem>
    </Menu>
  )
}

async function signOut() {
  await fetch('/api/auth/sign-out', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  }).catch(() => undefined)
  window.location.assign('/login')
}

/** Ctrl-K or Cmd-K finds anything; `/` goes to the search of the page. */
function useShortcuts(find: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        find()
        return
      }
      // A choice among a few takes no text.
      const typing =
        event.target instanceof HTMLElement &&
        event.target.closest('input:not([type=radio], [type=checkbox]), textarea, select')
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
      const search = document.querySelector<HTMLInputElement>('input[data-search]')
      if (!search) return
      event.preventDefault()
      search.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [find])
}
