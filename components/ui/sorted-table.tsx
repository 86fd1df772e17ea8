'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { parseAsBoolean, parseAsStringLiteral, useQueryState } from 'nuqs'
import { type ReactNode, useRef } from 'react'
import { cx } from './classes.ts'
import { useNarrow } from './narrow.ts'
import { Skeleton } from './skeleton.tsx'

const still = { history: 'replace', shallow: true } as const
const LOADING_PX = 56

/** How a table is sorted; it stands in the address. */
export interface Order<C extends string> {
  sort: C
  down: boolean
  /** Up, then down, then the table's own order again. */
  toggle(column: C): void
}

export function useOrder<C extends string>(columns: readonly C[], own: NoInfer<C>): Order<C> {
  const [sort, setSort] = useQueryState('sort', parseAsStringLiteral(columns).withOptions(still))
  const [down, setDown] = useQueryState('desc', parseAsBoolean.withDefault(false).withOptions(still))
  const current = sort ?? own
  return {
    sort: current,
    down,
    toggle(column) {
      const isThird = current === column && down
      void setSort(isThird || column === own ? null : column)
      void setDown(current === column && !down ? true : null)
    },
  }
}

/** Puts the focus on the first row, from a search field. */
export const focusFirstRow = () => document.querySelector<HTMLElement>('[data-row] a')?.focus()

/**
 * Ten thousand rows of which those in sight are drawn; arrows move between them. On a phone each row is a card and there are no
 * headings.
 */
export function SortedTable<T, C extends string>({
  label,
  headings,
  layout,
  order,
  rows,
  keyOf,
  rowPx,
  cardPx,
  loading,
  empty,
  children,
}: {
  label: string
  /** By column; of a column that is not sorted by, its title in braces is for screen readers. */
  headings: readonly (readonly [column: C, title: string] | string)[]
  /** The grid of a wide row. */
  layout: string
  order: Order<C>
  rows: readonly T[]
  keyOf(row: T): number
  rowPx: number
  cardPx: number
  /** What is awaited, in words; null: nothing. */
  loading: string | null
  /** Shown where there are no rows. */
  empty: ReactNode
  /** The cells of a row. */
  children(row: T, isCard: boolean): ReactNode
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const narrow = useNarrow()
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? cardPx : rowPx),
    overscan: 10,
    getItemKey: (i) => keyOf(rows[i]!),
  })
  const focus = (i: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, i))
    const link = () => scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"] a`)
    const drawn = link()
    if (drawn) drawn.focus()
    else {
      virtual.scrollToIndex(next)
      requestAnimationFrame(() => link()?.focus())
    }
  }
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-auto border-line border-t bg-surface">
      <table aria-label={label} aria-rowcount={rows.length + 1} className="block">
        <thead className="sticky top-0 z-10 block border-line border-b bg-surface max-md:hidden">
          <tr
            aria-rowindex={1}
            className={cx(
              'grid items-center gap-x-4 px-4',
              layout,
              'h-9 min-w-5xl text-left text-muted text-xs',
            )}
          >
            {headings.map((heading) =>
              typeof heading === 'string' ? (
                <th key={heading} className="sr-only">
                  {heading}
                </th>
              ) : (
                <Heading key={heading[0]} column={heading[0]} title={heading[1]} order={order} />
              ),
            )}
          </tr>
        </thead>
        <tbody className="relative block md:min-w-5xl" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, key, size }) => (
            <tr
              key={key}
              data-row={index}
              aria-rowindex={index + 2}
              className={cx(
                'absolute inset-x-0 border-line border-b hover:bg-hover',
                narrow ? 'block' : cx('grid items-center gap-x-4 px-4', layout),
              )}
              style={{ height: size, transform: `translateY(${start}px)` }}
              onKeyDown={(event) => {
                const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
                // Within a menu of the row the arrows are the menu's.
                if (by === undefined || !(event.target instanceof HTMLAnchorElement)) return
                event.preventDefault()
                focus(index + by)
              }}
            >
              {children(rows[index]!, narrow)}
            </tr>
          ))}
        </tbody>
      </table>
      {loading !== null && <Loading words={loading} />}
      {loading === null && rows.length === 0 && empty}
    </div>
  )
}

function Heading<C extends string>({ column, title, order }: { column: C; title: string; order: Order<C> }) {
  const active = order.sort === column
  const Icon = order.down ? ArrowDown : ArrowUp
  return (
    <th className="font-normal" aria-sort={active ? (order.down ? 'descending' : 'ascending') : 'none'}>
      <button
        type="button"
        onClick={() => order.toggle(column)}
        className={cx(
          'inline-flex h-6 items-center gap-1 rounded hover:text-ink',
          active && 'font-semibold text-ink',
        )}
      >
        {title}
        <Icon aria-hidden className={cx('size-3', !active && 'invisible')} />
      </button>
    </th>
  )
}

function Loading({ words }: { words: string }) {
  return (
    <div role="status" className="flex flex-col">
      <span className="sr-only">{words}</span>
      {[1, 2, 3, 4, 5, 6, 7, 8].map((i) => (
        <div
          key={i}
          className="flex items-center gap-8 border-line border-b px-4"
          style={{ height: LOADING_PX }}
        >
          <Skeleton className="h-4 w-12" />
          <Skeleton className="h-4 w-48" />
          <Skeleton className="h-4 flex-1" />
        </div>
      ))}
    </div>
  )
}
