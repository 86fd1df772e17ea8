import { cx } from './classes.ts'

/** The place of something that is on its way. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span
      aria-hidden
      className={cx(
        'block rounded bg-track opacity-70 motion-safe:animate-[breathe_1.6s_ease-in-out_infinite]',
        className,
      )}
    />
  )
}
