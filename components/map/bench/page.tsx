import { useState } from 'react'
import { createRoot } from 'react-dom/client'
import { FleetMap } from '../FleetMap.tsx'
import { TruckLayer } from '../TruckLayer.ts'
import { TruckStore } from '../truckStore.ts'
import { makeFleet } from './fleet.ts'

/** What the benchmark reads from the page. */
export interface BenchResult {
  /** From mounting the map until its background and its trucks are on the screen, milliseconds. */
  firstDrawMs: number | null
  /** Gaps between animation frames since `watch`, milliseconds. */
  gaps: number[]
  /** What each drawing of the trucks took since `watch`, milliseconds of the main thread. */
  draws: number[]
}

declare global {
  interface Window {
    bench: BenchResult & { watch: () => void; stop: () => { gaps: number[]; draws: number[] } }
  }
}

const query = new URLSearchParams(location.search)
const number = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise)
const count = number('trucks', 0)
const fleet = makeFleet(count)
const store = new TruckStore()

let watching = false
const draw = TruckLayer.prototype.draw
TruckLayer.prototype.draw = function (this: TruckLayer): void {
  const before = performance.now()
  draw.call(this)
  if (watching) window.bench.draws.push(performance.now() - before)
}

window.bench = {
  firstDrawMs: null,
  gaps: [],
  draws: [],
  watch() {
    window.bench.gaps = []
    window.bench.draws = []
    watching = true
    let last = performance.now()
    const tick = (now: number): void => {
      if (!watching) return
      window.bench.gaps.push(now - last)
      last = now
      requestAnimationFrame(tick)
    }
    requestAnimationFrame((now) => {
      last = now
      requestAnimationFrame(tick)
    })
  },
  stop() {
    watching = false
    return { gaps: window.bench.gaps, draws: window.bench.draws }
  },
}

const started = performance.now()
store.setLevels(fleet.frame.vehicleId, fleet.levels)
store.setLabels(fleet.frame.vehicleId, fleet.labels)
store.applySnapshot(fleet.frame)
document.documentElement.dataset.loadedTrucks = String(store.count)

function Page(): React.JSX.Element {
  const [selected, setSelected] = useState<number | null>(query.has('select') ? number('select', 0) : null)
  return (
    <FleetMap
      store={store}
      selectedId={selected}
      onSelect={setSelected}
      dark={query.get('theme') === 'dark'}
      initialView={
        query.has('zoom')
          ? { center: [number('lat', 38.8), number('lon', -96.5)], zoom: number('zoom', 4) }
          : undefined
      }
      basemap={
        query.has('basemap')
          ? { url: query.get('basemap')!, attribution: 'Elsewhere', maxZoom: 12 }
          : undefined
      }
    />
  )
}

createRoot(document.getElementById('map')!).render(<Page />)

const ready = (): void => {
  if (!document.querySelector('[data-map-ready="true"]')) {
    requestAnimationFrame(ready)
    return
  }
  // The next frame has shown what this one drew.
  requestAnimationFrame(() => {
    window.bench.firstDrawMs = performance.now() - started
  })
}
ready()

// A tenth of the fleet each second, in four batches.
const share = number('share', 0.1)
if (count > 0 && share > 0) setInterval(() => store.applyFrame(fleet.advance(share / 4, 1)), 250)
