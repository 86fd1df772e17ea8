'use client'
import { parseAsString, parseAsStringLiteral, useQueryState } from 'nuqs'
import type { ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/notice.tsx'
import { SearchField } from '../ui/search-field.tsx'
import { Segments } from '../ui/segments.tsx'
import { linksAfter } from '../ui/written.ts'

const still = { history: 'replace', shallow: true } as const

/** What a list shows of its rows: a text that is looked for, and one of a few kinds. Both stand in the address. */
export interface Filter<S extends string> {
  query: string
  show: S
  setQuery(text: string): void
  setShow(show: S): void
  clear(): void
}

/** @param shows the kinds, the first of which is all */
export function useFilter<S extends string>(shows: readonly [S, ...S[]]): Filter<S> {
  const [query, setQuery] = useQueryState('q', parseAsString.withDefault('').withOptions(still))
  const [show, setShow] = useQueryState('show', parseAsStringLiteral(shows).withOptions(still))
  return {
    query,
    show: show ?? shows[0],
    setQuery: (text) => linksAfter(setQuery(text || null)),
    setShow: (one) => void setShow(one === shows[0] ? null : one),
    clear: () => {
      void setQuery(null)
      void setShow(null)
    },
  }
}

/** The search, the kinds with how many there are of each, and how many are shown. */
export function ListFilter<S extends string>({
  filter,
  what,
  placeholder,
  titles,
  counts,
  onLeave,
  children,
}: {
  filter: Filter<S>
  /** "devices" */
  what: string
  placeholder: string
  titles: Record<S, string>
  counts: Partial<Record<S, number>>
  onLeave?(): void
  children: ReactNode
}) {
  return (
    <div className="flex flex-wrap items-center gap-3">
      <div className="w-72 max-md:w-full">
        <SearchField
          label={`Search ${what}`}
          placeholder={placeholder}
          value={filter.query}
          onChange={filter.setQuery}
          onLeave={onLeave}
        />
      </div>
      <Segments
        label="Show"
        name="show"
        value={filter.show}
        onChange={filter.setShow}
        options={(Object.keys(titles) as S[]).map((value) => ({
          value,
          label: titles[value],
          count: counts[value],
        }))}
      />
      <span className="text-muted text-xs tabular-nums" role="status">
        {children}
      </span>
    </div>
  )
}

/** In place of the rows, where the filter leaves none. */
export function NoMatch({ title, filter }: { title: string; filter: Filter<string> }) {
  return (
    <Notice title={title} action={<Button onClick={filter.clear}>Show all</Button>}>
      Try another search.
    </Notice>
  )
}
