import type { ReactNode } from 'react'

/** A part of a page under its heading. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="min-w-0">
      <h2 className="mb-2 text-base">{title}</h2>
      {children}
    </section>
  )
}
