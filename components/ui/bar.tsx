import { cx } from './classes.ts'

export type BarTone = 'calm' | 'quiet' | 'warning' | 'danger'

const FILL: Record<BarTone, string> = {
  calm: 'bg-good-fill',
  quiet: 'bg-line-strong',
  warning: 'bg-warning-fill',
  danger: 'bg-danger-fill',
}

/** How much of something is left. Decoration beside the words that say it, so it is hidden from screen readers. */
export function Bar({
  fraction,
  tone = 'calm',
  className,
}: {
  fraction: number
  tone?: BarTone
  className?: string
}) {
  const percent = Math.max(0, Math.min(1, fraction)) * 100
  return (
    <span aria-hidden className={cx('block h-1 overflow-hidden rounded-full bg-track', className)}>
      <span
        className={cx('block h-full rounded-full', FILL[tone])}
        style={{ width: `${percent}%`, minWidth: percent > 0 ? 2 : 0 }}
      />
    </span>
  )
}
