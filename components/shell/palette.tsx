'use client'
import { type LucideIcon, Truck, User } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useMemo, useState } from 'react'
import { useLive, useLiveValue } from '../live/live.tsx'
import { cx } from '../ui/classes.ts'
import { Dialog } from '../ui/dialog.tsx'

interface Target {
  key: string
  href: string
  title: string
  detail: string
  icon: LucideIcon
}

const SHOWN = 30

/** Finds a page, a truck or a driver by a few letters; arrows choose, Enter goes there. */
export function Palette({
  open,
  onOpenChange,
  pages,
}: {
  open: boolean
  onOpenChange(open: boolean): void
  pages: readonly { href: string; label: string; icon: LucideIcon }[]
}) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Find a truck, a driver or a page" bare>
      <Finder pages={pages} onDone={() => onOpenChange(false)} />
    </Dialog>
  )
}

function Finder({
  pages,
  onDone,
}: {
  pages: readonly { href: string; label: string; icon: LucideIcon }[]
  onDone(): void
}) {
  const live = useLive()
  const vehicles = useLiveValue((store) => store.vehicles)
  const drivers = useLiveValue((store) => store.drivers)
  const router = useRouter()
  const [query, setQuery] = useState('')
  const [chosen, setChosen] = useState(0)
  const targets = useMemo(() => {
    const wanted = query.trim().toLowerCase()
    const found: Target[] = []
    const add = (target: Target) => {
      if (found.length < SHOWN && `${target.title} ${target.detail}`.toLowerCase().includes(wanted))
        found.push(target)
    }
    for (const { href, label, icon } of pages) add({ key: href, href, title: label, detail: 'Page', icon })
    for (const vehicle of vehicles.values()) {
      const driver = live.driverOf.get(vehicle.id)?.name ?? vehicle.driverName ?? ''
      const title = `Truck ${vehicle.unitNumber}`
      add({ key: `v${vehicle.id}`, href: `/map?truck=${vehicle.id}`, title, detail: driver, icon: Truck })
    }
    for (const { driverId, name, employeeNumber, unitNumber } of drivers.values()) {
      const detail = [employeeNumber, unitNumber && `truck ${unitNumber}`].filter(Boolean).join(', ')
      add({ key: `d${driverId}`, href: `/drivers/${driverId}`, title: name, detail, icon: User })
    }
    return found
  }, [query, pages, vehicles, drivers, live])
  const current = Math.min(chosen, targets.length - 1)

  const go = (target: Target | undefined) => {
    if (!target) return
    onDone()
    router.push(target.href)
  }
  const move = (by: number) => {
    const next = Math.max(0, Math.min(targets.length - 1, current + by))
    setChosen(next)
    document.getElementById(`found-${next}`)?.scrollIntoView({ block: 'nearest' })
  }
  return (
    <>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={targets[current] && `found-${current}`}
        aria-label="Find a truck, a driver or a page"
        placeholder="Unit number, driver, page…"
        value={query}
        onChange={(event) => {
          setQuery(event.target.value)
          setChosen(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault()
            move(event.key === 'ArrowDown' ? 1 : -1)
          } else if (event.key === 'Enter') go(targets[current])
        }}
        className="h-12 shrink-0 rounded-t-xl border-line border-b bg-transparent px-4 text-base outline-none placeholder:text-faint"
      />
      <div id="found" role="listbox" aria-label="Found" className="min-h-0 overflow-auto p-1.5">
        {targets.map((target, i) => (
          <div
            key={target.key}
            tabIndex={-1}
            id={`found-${i}`}
            role="option"
            aria-selected={i === current}
            onPointerMove={() => setChosen(i)}
            onPointerUp={() => go(target)}
            className={cx(
              'flex cursor-pointer items-center gap-3 rounded-md px-3 py-2',
              i === current && 'bg-accent-soft',
            )}
          >
            <target.icon aria-hidden className="size-4 text-faint" />
            <span className="min-w-0 flex-1 truncate font-medium text-sm">{target.title}</span>
            <span className="truncate text-muted text-xs">{target.detail}</span>
          </div>
        ))}
        {targets.length === 0 && (
          <p className="px-3 py-6 text-center text-muted text-sm">Nothing is called that.</p>
        )}
      </div>
    </>
  )
}
