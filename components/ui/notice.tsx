import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { cx } from './classes.ts'

export interface NoticeProps {
  icon?: LucideIcon
  title: ReactNode
  children?: ReactNode
  /** What to do about it. */
  action?: ReactNode
  /** Announce it at once: for what went wrong. */
  alert?: boolean
  className?: string
}

/** What stands where content would be: nothing here, not found, went wrong. */
export function Notice({ icon: Icon, title, children, action, alert, className }: NoticeProps) {
  return (
    <div
      role={alert ? 'alert' : undefined}
      className={cx('flex flex-col items-center justify-center gap-2 px-6 py-12 text-center', className)}
    >
      {Icon && (
        <span className="mb-1 grid size-11 place-items-center rounded-full bg-sunken text-faint">
          <Icon aria-hidden className="size-5" />
        </span>
      )}
      <p className="font-semibold text-base text-ink">{title}</p>
      {children && <div className="max-w-md text-balance text-muted text-sm">{children}</div>}
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  )
}
