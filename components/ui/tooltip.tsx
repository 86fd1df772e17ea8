'use client'
import { Tooltip as Base } from '@base-ui/react/tooltip'
import type { ReactElement, ReactNode } from 'react'

/** A few words at what the pointer or the focus is on. Never the only place where something is said. */
export function Tooltip({
  text,
  children,
}: {
  /** Null: there is nothing to say. */
  text: ReactNode
  children: ReactElement
}) {
  return (
    <Base.Root disabled={text === null}>
      <Base.Trigger render={children} />
      <Base.Portal>
        <Base.Positioner sideOffset={6} className="z-50">
          <Base.Popup className="max-w-72 rounded bg-ink px-2 py-1 text-surface text-xs shadow-float transition-opacity duration-100 data-ending-style:opacity-0 data-starting-style:opacity-0">
            {text}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
