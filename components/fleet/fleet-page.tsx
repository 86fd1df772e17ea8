'use client'
import { parseAsInteger, parseAsString, parseAsStringLiteral, useQueryState } from 'nuqs'
import { useCallback, useEffect, useMemo } from 'react'
import { useLive } from '../live/live.tsx'
import { FleetMapLazy } from '../map/FleetMapLazy.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { useTheme } from '../ui/theme.ts'
import { TruckCard } from './truck-card.tsx'
import { TruckList } from './truck-list.tsx'
import { SHOW, useTruckRows } from './truck-rows.ts'

const still = { history: 'replace', shallow: true } as const

/** The live map with the list beside it; what is searched, shown and selected is in the address. */
export function FleetPage() {
  const live = useLive()
  const { fleet } = useViewer()
  const dark = useTheme() === 'dark'
  const [selected, setSelected] = useQueryState('truck', parseAsInteger.withOptions({ history: 'push' }))
  const [query, setQuery] = useQueryState('q', parseAsString.withDefault('').withOptions(still))
  const [show, setShow] = useQueryState(
    'show',
    parseAsStringLiteral(SHOW).withDefault('all').withOptions(still),
  )
  const { rows, counts, ready } = useTruckRows(query, show)

  const filtered = query !== '' || show !== 'all'
  const shown = useMemo(() => (filtered ? new Set(rows.map(({ id }) => id)) : null), [filtered, rows])
  useEffect(() => {
    live.trucks.setFilter(shown && ((id) => shown.has(id)))
  }, [live, shown])
  useEffect(() => () => live.trucks.setFilter(null), [live])

  const select = useCallback((id: number | null) => void setSelected(id), [setSelected])
  return (
    <div className="flex min-h-0 flex-1 max-md:flex-col-reverse">
      <h1 className="sr-only">Live map</h1>
      <div className="flex min-h-0 w-full flex-col border-line bg-surface max-md:h-[52%] max-md:border-t md:w-80 md:border-r lg:w-88">
        {selected !== null && (
          <div className="min-h-0 flex-1 overflow-auto md:hidden">
            <TruckCard vehicleId={selected} onClose={() => select(null)} />
          </div>
        )}
        <div className={selected === null ? 'contents' : 'contents max-md:hidden'}>
          <TruckList
            rows={rows}
            counts={counts}
            ready={ready}
            selectedId={selected}
            onSelect={select}
            query={query}
            onQuery={(text) => void setQuery(text || null)}
            show={show}
            onShow={(value) => void setShow(value === 'all' ? null : value)}
          />
        </div>
      </div>
      <div className="relative min-h-0 min-w-0 flex-1">
        <FleetMapLazy
          store={live.trucks}
          selectedId={selected}
          onSelect={select}
          dark={dark}
          unit={fleet.distanceUnit}
        />
        {selected !== null && (
          <aside
            aria-label="Selected truck"
            className="absolute top-3 right-3 z-[600] max-h-[calc(100%-1.5rem)] w-84 overflow-auto rounded-xl border border-line bg-raised shadow-float max-md:hidden"
          >
            <TruckCard vehicleId={selected} onClose={() => select(null)} />
          </aside>
        )}
      </div>
    </div>
  )
}
