import { FileX } from 'lucide-react'
import type { ReactNode } from 'react'
import { Notice } from '../ui/notice.tsx'
import { PrintButton } from './print-button.tsx'

/** The bar above the sheets; paper does not show it. */
export function PrintBar({ children }: { children: ReactNode }) {
  return (
    <header className="sticky top-0 z-10 flex items-center gap-4 border-line border-b bg-surface px-4 py-2 print:hidden">
      <h1 className="min-w-0 flex-1 truncate text-base">{children}</h1>
      <PrintButton />
    </header>
  )
}

/** One sheet of Letter or A4, upright; on screen it looks like one. */
export function Sheet({ children }: { children: ReactNode }) {
  return (
    <section className="mx-auto my-6 flex w-full max-w-[7.7in] break-after-page flex-col gap-4 bg-surface p-6 text-2xs shadow-float last:break-after-auto print:m-0 print:max-w-none print:p-0 print:shadow-none">
      {children}
    </section>
  )
}

/** A name and what belongs to it, in the head of a sheet. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-1 gap-x-6 gap-y-1.5 sm:grid-cols-3 print:grid-cols-3">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt className="text-muted">{name}</dt>
          <dd className="font-medium text-xs">{value || '–'}</dd>
        </div>
      ))}
    </dl>
  )
}

/** What stands at the foot of each sheet: the range, the page, who made it and when. */
export function SheetFoot({ children, page }: { children: ReactNode; page?: string }) {
  return (
    <footer className="mt-auto flex justify-between gap-4 border-line border-t pt-2 text-muted">
      <p>{children}</p>
      {page && <p className="whitespace-nowrap">{page}</p>}
    </footer>
  )
}

/** Why there is nothing to print. */
export function CannotPrint({ reason }: { reason: string }) {
  return (
    <main>
      <Notice alert icon={FileX} title="This can’t be printed">
        {reason}
      </Notice>
    </main>
  )
}
