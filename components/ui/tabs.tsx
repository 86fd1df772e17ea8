'use client'
import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

export interface Tab<T extends string> {
  value: T
  label: string
  count?: number | undefined
}

/** Views of one thing; the panel below changes with the tab. */
export function Tabs<T extends string>({
  label,
  value,
  onChange,
  tabs,
  children,
}: {
  label: string
  value: T
  onChange(value: T): void
  tabs: readonly Tab<T>[]
  children: ReactNode
}) {
  return (
    <Base.Root
      value={value}
      onValueChange={(next) => onChange(next as T)}
      className="flex min-h-0 flex-1 flex-col"
    >
      <Base.List aria-label={label} className="flex gap-5 border-line border-b">
        {tabs.map((tab) => (
          <Base.Tab
            key={tab.value}
            value={tab.value}
            className="-mb-px flex h-9 items-center gap-1.5 border-transparent border-b-2 font-medium text-muted text-sm hover:text-ink data-active:border-accent data-active:text-ink"
          >
            {tab.label}
            {tab.count !== undefined && (
              <span className="rounded-full bg-sunken px-1.5 text-2xs text-muted tabular-nums">
                {tab.count.toLocaleString('en-US')}
              </span>
            )}
          </Base.Tab>
        ))}
      </Base.List>
      <Base.Panel value={value} className="flex min-h-0 flex-1 flex-col pt-3 outline-none" tabIndex={-1}>
        {children}
      </Base.Panel>
    </Base.Root>
  )
}
