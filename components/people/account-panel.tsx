'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTRPC } from '../api.tsx'

/** One thing of the account: what it is, and what can be done about it. */
export function Panel({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <section
      aria-label={title}
      className="flex flex-col gap-3 rounded-lg border border-line bg-surface p-4 md:p-5"
    >
      <div>
        <h2 className="font-semibold text-base">{title}</h2>
        <p className="text-muted text-sm">{text}</p>
      </div>
      {children}
    </section>
  )
}

/** Reads the account again after something of it changed. */
export function useAccountChanged() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: trpc.account.view.queryKey() })
}
