import { hoursMinutes } from '../../server/time/duration.ts'
import { MINUTE } from '../../server/time/instant.ts'
import { hoursMinutesSpoken } from '../format.ts'
import { Bar, type BarTone } from '../ui/bar.tsx'
import { cx } from '../ui/classes.ts'
import type { ClockReading, Level } from './clocks.ts'

const BAR: Record<Level, BarTone> = {
  passed: 'danger',
  close: 'danger',
  soon: 'warning',
  fine: 'calm',
  still: 'quiet',
}
export const LEVEL_TEXT: Record<Level, string> = {
  passed: 'text-danger font-semibold',
  close: 'text-danger font-semibold',
  soon: 'text-warning font-semibold',
  fine: 'text-ink',
  still: 'text-muted',
}
/** What the colour says, in a word; nothing where there is nothing to say. */
export const LEVEL_WORD: Record<Level, string> = {
  passed: 'over',
  close: 'under 30 min',
  soon: 'under 1 h',
  fine: '',
  still: '',
}

/** One clock as text: what is left, or by how much it is passed. */
export function ClockText({ reading, className }: { reading: ClockReading; className?: string }) {
  const { level, passedMs, remainingMs } = reading
  const ms = passedMs ?? remainingMs
  const isNew = passedMs !== null && passedMs < MINUTE
  return (
    <span className={cx('whitespace-nowrap tabular-nums', LEVEL_TEXT[level], className)}>
      <span aria-hidden>{isNew ? 'now' : `${passedMs === null ? '' : '+'}${hoursMinutes(ms)}`}</span>
      <span className="sr-only">
        {isNew
          ? 'limit reached just now'
          : `${hoursMinutesSpoken(ms)} ${passedMs === null ? 'left' : 'over the limit'}`}
      </span>
    </span>
  )
}

/** One clock with its bar and the word for its level. */
export function ClockMeter({ reading, title }: { reading: ClockReading; title?: boolean }) {
  const { level, remainingMs, limitMs } = reading
  return (
    <div className="min-w-0">
      <div className="flex items-baseline justify-between gap-1">
        {title && <span className="text-muted text-xs max-md:text-2xs">{reading.title}</span>}
        <ClockText reading={reading} />
        {!title && LEVEL_WORD[level] && (
          <span className={cx('whitespace-nowrap text-2xs', LEVEL_TEXT[level])}>{LEVEL_WORD[level]}</span>
        )}
      </div>
      <Bar fraction={level === 'passed' ? 1 : remainingMs / limitMs} tone={BAR[level]} className="mt-1" />
      {title && LEVEL_WORD[level] && (
        <span className={cx('mt-0.5 block text-2xs', LEVEL_TEXT[level])}>{LEVEL_WORD[level]}</span>
      )}
    </div>
  )
}
