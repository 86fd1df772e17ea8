'use client'
import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { buttonClass } from './button.tsx'
import { cx } from './classes.ts'

export interface DialogProps {
  open: boolean
  onOpenChange(open: boolean): void
  title: string
  description?: ReactNode
  /** Keeps the title for screen readers only, and shows no close button. */
  bare?: boolean
  className?: string
  children: ReactNode
}

/** A question over the page. Focus goes in, stays in, and returns. */
export function Dialog({ open, onOpenChange, title, description, bare, className, children }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-black/40 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup
          className={cx(
            '-translate-x-1/2 fixed top-[12vh] left-1/2 z-50 flex max-h-[76vh] w-[32rem] max-w-[calc(100vw-2rem)] flex-col rounded-xl border border-line bg-raised text-ink shadow-float',
            'transition-[opacity,scale] duration-150 data-ending-style:scale-98 data-starting-style:scale-98 data-ending-style:opacity-0 data-starting-style:opacity-0',
            className,
          )}
        >
          {bare ? (
            <Base.Title className="sr-only">{title}</Base.Title>
          ) : (
            <div className="flex items-start gap-3 px-5 pt-4">
              <div className="min-w-0 flex-1">
                <Base.Title className="font-semibold text-base">{title}</Base.Title>
                {description && (
                  <Base.Description className="mt-0.5 text-muted text-sm">{description}</Base.Description>
                )}
              </div>
              <Base.Close aria-label="Close" className={buttonClass('quiet', 'small', true)}>
                <X aria-hidden className="size-4" />
              </Base.Close>
            </div>
          )}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
