'use client'

/*
 * The live map. Positions never pass through React: whoever has the stream feeds a TruckStore, and the map reads it.
 *
 *   const store = new TruckStore()
 *   store.applySnapshot(frame)               // a PositionFrame of the whole fleet, then
 *   store.applyFrame(frame)                  // one of news, as often as they come
 *   store.setLabels(ids, unitNumbers)
 *   store.setLevels(ids, levels)             // who is near or past a limit
 *   store.setFilter((id) => shown.has(id))   // null shows all
 *
 *   <FleetMapLazy store={store} selectedId={id} onSelect={setId} dark={dark} />
 *
 * The rest of the props may be left out. The list beside the map reads the same store by `useTruckStore`, and is what a
 * screen reader reads.
 */
import 'leaflet/dist/leaflet.css'
import './map.css'
import type { Map as LeafletMap } from 'leaflet'
import { useCallback, useEffect, useRef, useState } from 'react'
import { MapContainer, useMap } from 'react-leaflet'
import { latitudeOf, longitudeOf } from '../../server/geo/projection.ts'
import { Basemap } from './Basemap.tsx'
import { type BasemapConfig, embeddedBasemap, isEmbedded } from './basemapLayer.ts'
import { L } from './leaflet.ts'
import { MapControls } from './MapControls.tsx'
import type { Theme } from './palette.ts'
import { TruckLayer } from './TruckLayer.ts'
import type { DistanceUnit } from './tooltip.ts'
import type { TruckStore } from './truckStore.ts'

export interface MapView {
  /** Latitude and longitude of the middle. */
  center: [number, number]
  zoom: number
}

export interface FleetMapProps {
  store: TruckStore
  selectedId: number | null
  /** Null: a click on nothing. */
  onSelect: (vehicleId: number | null) => void
  dark: boolean
  /** Of speeds and of the scale; miles when not given. */
  unit?: DistanceUnit
  /** Another value fits the map to the fleet again. */
  fitKey?: string | number
  /** Where to begin; without it the map fits the fleet as soon as there is one. */
  initialView?: MapView
  onViewChange?: (center: [number, number], zoom: number) => void
  /** Keep the selected truck in the middle. */
  follow?: boolean
  /** The reader has dragged the map away: following should stop. */
  onFollowEnd?: () => void
  /** What the map is drawn on; the embedded one when not given. */
  basemap?: BasemapConfig
}

/** The lower 48 states, until the fleet says where it is. */
const HOME: MapView = { center: [38.8, -96.5], zoom: 4 }
const FIT_ZOOM = 10

/** Shows all trucks that pass the filter. False when there are none. */
function fitFleet(map: LeafletMap, store: TruckStore, animate: boolean): boolean {
  let minX = 1
  let minY = 1
  let maxX = 0
  let maxY = 0
  for (let i = 0; i < store.count; i++) {
    if (store.mask[i] === 0) continue
    minX = Math.min(minX, store.x[i]!)
    maxX = Math.max(maxX, store.x[i]!)
    minY = Math.min(minY, store.y[i]!)
    maxY = Math.max(maxY, store.y[i]!)
  }
  if (minX > maxX) return false
  const bounds = L.latLngBounds([latitudeOf(maxY), longitudeOf(minX)], [latitudeOf(minY), longitudeOf(maxX)])
  map.fitBounds(bounds, { padding: [48, 48], maxZoom: FIT_ZOOM, animate })
  return true
}

function useReducedMotion(): boolean {
  const [reduced, setReduced] = useState(() => matchMedia('(prefers-reduced-motion: reduce)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-reduced-motion: reduce)')
    const changed = (): void => setReduced(query.matches)
    query.addEventListener('change', changed)
    return () => query.removeEventListener('change', changed)
  }, [])
  return reduced
}

interface TrucksProps extends Omit<FleetMapProps, 'basemap' | 'initialView' | 'dark'> {
  theme: Theme
  unit: DistanceUnit
  fitFirst: boolean
  labels: boolean
  still: boolean
}

/** Everything between React and Leaflet: the truck layer, fitting, following, and the view told outwards. */
function Trucks(props: TrucksProps): null {
  const { store, selectedId, theme, unit, fitKey, follow = false, fitFirst, labels, still } = props
  const map = useMap()
  const layer = useRef<TruckLayer | null>(null)
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })

  useEffect(() => {
    const { theme, unit, labels, still, selectedId } = latest.current
    const made = new TruckLayer(store, { theme, unit, labels, glide: !still, selectedId }, (id) =>
      latest.current.onSelect(id),
    )
    made.addTo(map)
    layer.current = made
    return () => {
      made.remove()
      layer.current = null
    }
  }, [map, store])

  useEffect(() => {
    layer.current?.update({ theme, unit, labels, selectedId, glide: !still })
  }, [theme, unit, labels, selectedId, still])

  useEffect(() => {
    const container = map.getContainer()
    container.setAttribute('role', 'region')
    container.setAttribute(
      'aria-label',
      'Map of the fleet. Arrow keys move it, plus and minus zoom. The list of trucks has the same trucks.',
    )
    const moved = (): void => {
      const { lat, lng } = map.getCenter()
      latest.current.onViewChange?.([lat, lng], map.getZoom())
    }
    const dragged = (): void => {
      if (latest.current.follow) latest.current.onFollowEnd?.()
    }
    map.on('moveend', moved)
    map.on('dragstart', dragged)
    // The console's panes open and close beside the map.
    const observer = new ResizeObserver(() => map.invalidateSize({ pan: false }))
    observer.observe(container)
    return () => {
      map.off('moveend', moved)
      map.off('dragstart', dragged)
      observer.disconnect()
    }
  }, [map])

  const wantsFit = useRef(fitFirst)
  useEffect(() => {
    if (!wantsFit.current) return
    const tryFit = (): void => {
      if (wantsFit.current && fitFleet(map, store, false)) wantsFit.current = false
    }
    tryFit()
    return store.subscribeNow(tryFit)
  }, [map, store])

  const fittedKey = useRef(fitKey)
  useEffect(() => {
    if (fittedKey.current === fitKey) return
    fittedKey.current = fitKey
    fitFleet(map, store, !still)
  }, [map, store, fitKey, still])

  // A newly selected truck is brought into the picture; a followed one is kept in its middle.
  useEffect(() => {
    if (selectedId === null) return
    const center = (): void => {
      const truck = store.find(selectedId)
      if (!truck) return
      const at = L.latLng(truck.latitude, truck.longitude)
      if (follow) {
        const away = map.latLngToContainerPoint(at).distanceTo(map.getSize().divideBy(2))
        if (away > 2) map.panTo(at, { animate: !still, duration: 0.6 })
      } else map.panInside(at, { padding: [80, 80], animate: !still })
    }
    center()
    return follow ? store.subscribe(center) : undefined
  }, [map, store, selectedId, follow, still])

  return null
}

/** The live map, filling its parent. For the browser only: pages use FleetMapLazy, which takes the same props. */
export function FleetMap(props: FleetMapProps): React.JSX.Element {
  const { initialView, store, unit = 'mi' } = props
  const theme: Theme = props.dark ? 'dark' : 'light'
  const basemap = props.basemap ?? embeddedBasemap
  const [map, setMap] = useState<LeafletMap | null>(null)
  const [ready, setReady] = useState(false)
  const [failed, setFailed] = useState(false)
  const [attempt, setAttempt] = useState(0)
  const [labels, setLabels] = useState(true)
  const still = useReducedMotion()
  const onReady = useCallback(() => setReady(true), [])
  const onError = useCallback(() => {
    setFailed(true)
    setReady(true)
  }, [])
  const retry = (): void => {
    setFailed(false)
    setAttempt((n) => n + 1)
  }
  const view = initialView ?? HOME

  return (
    <div className="fleet-map" data-map-theme={theme} data-map-ready={ready}>
      <MapContainer
        ref={setMap}
        center={view.center}
        zoom={view.zoom}
        minZoom={3}
        maxZoom={basemap.maxZoom}
        zoomControl={false}
        attributionControl={false}
        zoomAnimation={!still}
        fadeAnimation={false}
        markerZoomAnimation={!still}
        inertia={!still}
        worldCopyJump
        wheelPxPerZoomLevel={90}
        className="fleet-map-leaflet"
      >
        <Basemap key={attempt} config={basemap} theme={theme} onReady={onReady} onError={onError} />
        <Trucks {...props} theme={theme} unit={unit} fitFirst={!initialView} labels={labels} still={still} />
      </MapContainer>
      {map && (
        <MapControls
          map={map}
          theme={theme}
          unit={unit}
          attribution={basemap.attribution}
          schematic={isEmbedded(basemap)}
          labels={labels}
          onLabels={setLabels}
          onFit={() => fitFleet(map, store, !still)}
        />
      )}
      {!ready && (
        <p className="fleet-map-notice" role="status">
          Loading the map…
        </p>
      )}
      {failed && (
        <p className="fleet-map-notice" role="alert">
          The map background could not be loaded. Trucks are still shown.{' '}
          <button type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
    </div>
  )
}
