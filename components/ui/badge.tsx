import type { ReactNode } from 'react'
import { cx } from './classes.ts'

export type Tone = 'neutral' | 'accent' | 'good' | 'warning' | 'danger' | 'rest'

export const TONE_SOFT: Record<Tone, string> = {
  neutral: 'bg-sunken text-muted',
  accent: 'bg-accent-soft text-accent',
  good: 'bg-good-soft text-good',
  warning: 'bg-warning-soft text-warning',
  danger: 'bg-danger-soft text-danger',
  rest: 'bg-rest-soft text-rest',
}
export const TONE_TEXT: Record<Tone, string> = {
  neutral: 'text-muted',
  accent: 'text-accent',
  good: 'text-good',
  warning: 'text-warning',
  danger: 'text-danger',
  rest: 'text-rest',
}

/** A word in a soft box; the tone only underlines what the word says. */
export function Badge({
  tone = 'neutral',
  children,
  className,
}: {
  tone?: Tone
  children: ReactNode
  className?: string
}) {
  return (
    <span
      className={cx(
        'inline-flex h-5 items-center gap-1 whitespace-nowrap rounded px-1.5 font-medium text-2xs',
        TONE_SOFT[tone],
        className,
      )}
    >
      {children}
    </span>
  )
}

/** How many there are, at an icon's corner; nothing for none. */
export function CountBadge({
  count,
  label,
  className,
}: {
  count: number
  label: string
  className?: string
}) {
  if (count === 0) return null
  return (
    <span
      className={cx(
        'inline-grid h-4 min-w-4 place-items-center rounded-full bg-danger px-1 font-semibold text-[0.625rem] text-surface leading-none tabular-nums',
        className,
      )}
    >
      <span aria-hidden>{count > 99 ? '99+' : count}</span>
      <span className="sr-only">
        {count} {label}
      </span>
    </span>
  )
}
