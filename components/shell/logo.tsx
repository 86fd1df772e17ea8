/** A road that ends at a line: drive so far, then rest. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        d="M9 25 14 8m9 17L18 8M16 22v3m0-9v3m0-9v3"
        fill="none"
        strokeWidth="2.2"
        strokeLinecap="round"
        className="stroke-accent-ink"
      />
      <path d="M7 6h18" fill="none" strokeWidth="2.6" strokeLinecap="round" className="stroke-accent-ink" />
    </svg>
  )
}
