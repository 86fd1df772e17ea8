import type { ReactNode } from 'react'
import { cx } from './classes.ts'

/** A key, as printed on a keyboard. */
export function Kbd({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <kbd
      className={cx(
        'inline-grid h-5 min-w-5 place-items-center rounded border border-line bg-ground px-1 font-medium font-sans text-2xs text-faint',
        className,
      )}
    >
      {children}
    </kbd>
  )
}
