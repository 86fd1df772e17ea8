import { LoaderCircle } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { cx } from './classes.ts'
import { useReady } from './ready.ts'

export type ButtonTone = 'primary' | 'plain' | 'quiet' | 'danger'
export type ButtonSize = 'small' | 'medium'

const TONE: Record<ButtonTone, string> = {
  primary: 'bg-accent text-accent-ink hover:bg-accent-hover border-transparent',
  plain: 'bg-surface text-ink border-line-strong/60 hover:bg-hover hover:border-line-strong',
  quiet: 'bg-transparent text-muted border-transparent hover:bg-hover hover:text-ink',
  danger: 'bg-surface text-danger border-danger/50 hover:bg-danger-soft',
}
const SIZE: Record<ButtonSize, string> = {
  small: 'h-7 gap-1.5 text-xs',
  medium: 'h-9 gap-2 text-sm',
}
const WIDE: Record<ButtonSize, string> = { small: 'px-2.5', medium: 'px-3.5' }
const SQUARE: Record<ButtonSize, string> = { small: 'w-7', medium: 'w-9' }

/** The look of a button, for links that look like one. */
export function buttonClass(tone: ButtonTone = 'plain', size: ButtonSize = 'medium', square = false): string {
  return cx(
    'inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap rounded-md border font-medium',
    'transition-colors duration-100 disabled:cursor-not-allowed disabled:opacity-55 aria-disabled:cursor-not-allowed aria-disabled:opacity-55',
    TONE[tone],
    SIZE[size],
    square ? SQUARE[size] : WIDE[size],
  )
}

export interface ButtonProps extends ComponentProps<'button'> {
  tone?: ButtonTone
  size?: ButtonSize
  /** While true the button shows that it works, and does nothing more. */
  busy?: boolean
}

export function Button({ tone, size, busy, className, children, disabled, type, ...rest }: ButtonProps) {
  const ready = useReady()
  return (
    <button
      type={type ?? 'button'}
      className={cx(buttonClass(tone, size), className)}
      disabled={disabled || busy || (type === 'submit' && !ready)}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy && <LoaderCircle aria-hidden className="size-4 animate-spin" />}
      {children}
    </button>
  )
}

export interface IconButtonProps extends Omit<ButtonProps, 'children'> {
  /** What it does, for those who can't see the icon and, as a title, for those who can. */
  label: string
  children: ReactNode
}

export function IconButton({
  label,
  tone = 'quiet',
  size = 'small',
  className,
  children,
  type,
  busy: _,
  ...rest
}: IconButtonProps) {
  return (
    <button
      type={type ?? 'button'}
      aria-label={label}
      title={label}
      className={cx(buttonClass(tone, size, true), className)}
      {...rest}
    >
      {children}
    </button>
  )
}
