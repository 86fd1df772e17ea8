'use client'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import type { ReactNode } from 'react'
import { buttonClass, IconButton } from './button.tsx'

interface Step {
  href: string
  label: string
}

/** One step back and one on, with where one is between them: through days, months, whatever follows itself. */
export function Steps({
  label,
  before,
  after,
  between,
  children,
}: {
  label: string
  before: Step
  /** A sentence instead: why there is none. */
  after: Step | string
  between?: ReactNode
  children?: ReactNode
}) {
  const square = buttonClass('plain', 'small', true)
  return (
    <nav aria-label={label} className="flex flex-wrap items-center gap-1">
      <Link href={before.href} aria-label={before.label} className={square}>
        <ChevronLeft aria-hidden className="size-4" />
      </Link>
      {between}
      {typeof after === 'string' ? (
        <IconButton tone="plain" aria-disabled label={after}>
          <ChevronRight aria-hidden className="size-4" />
        </IconButton>
      ) : (
        <Link href={after.href} aria-label={after.label} className={square}>
          <ChevronRight aria-hidden className="size-4" />
        </Link>
      )}
      {children}
    </nav>
  )
}

/** The days of a thing, each with its own address. */
export function DaySteps({
  date,
  before,
  after,
  latest,
  path,
  children,
}: {
  date: string
  before: string
  after: string
  /** The last that has begun; null: a later one than this. */
  latest: string | null
  path(date: string): string
  children?: ReactNode
}) {
  const router = useRouter()
  return (
    <Steps
      label="Days"
      before={{ href: path(before), label: 'The day before' }}
      after={
        latest !== null && date >= latest
          ? 'The day after has not begun'
          : { href: path(after), label: 'The day after' }
      }
      between={
        <input
          // A date is typed part by part; only a whole one goes anywhere.
          key={date}
          type="date"
          aria-label="Day"
          defaultValue={date}
          max={latest ?? undefined}
          onChange={({ target: { value, validity } }) => {
            if (value && validity.valid && value !== date && value >= '2000') router.push(path(value))
          }}
          className="h-7 rounded-md border border-line-strong/60 bg-surface px-2 text-ink text-xs tabular-nums"
        />
      }
    >
      {children}
    </Steps>
  )
}
