'use client'

import type { Map as LeafletMap } from 'leaflet'
import { Layers, Minus, Plus, Scan } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import { VehicleState } from '../../server/geo/frame.ts'
import { L, LEAFLET_CREDIT } from './leaflet.ts'
import { palettes, type Theme } from './palette.ts'
import { paintTruck } from './sprites.ts'
import type { DistanceUnit } from './tooltip.ts'

interface MapControlsProps {
  map: LeafletMap
  theme: Theme
  unit: DistanceUnit
  /** HTML, from the console's own settings. */
  attribution: string
  /** The highways are the embedded map's own lines. */
  schematic: boolean
  labels: boolean
  onLabels: (shown: boolean) => void
  onFit: () => void
}

const LEGEND: { words: string; state: VehicleState; level: number }[] = [
  { words: 'Moving', state: VehicleState.moving, level: 0 },
  { words: 'Stopped, on duty', state: VehicleState.idle, level: 0 },
  { words: 'Parked', state: VehicleState.off, level: 0 },
  { words: 'Silent', state: VehicleState.silent, level: 0 },
  { words: 'Driver near a limit', state: VehicleState.moving, level: 1 },
  { words: 'Driver past a limit', state: VehicleState.moving, level: 2 },
]

/** A truck as the map draws it, by the same function. */
function Swatch({
  state,
  level,
  theme,
}: {
  state: VehicleState
  level: number
  theme: Theme
}): React.JSX.Element {
  const draw = (canvas: HTMLCanvasElement | null): void => {
    const ctx = canvas?.getContext('2d')
    if (!ctx) return
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    ctx.clearRect(0, 0, 64, 64)
    ctx.setTransform(1.7, 0, 0, 1.7, 32, 32)
    paintTruck(ctx, palettes[theme], state, level, 45)
  }
  return (
    <span aria-hidden="true">
      <canvas ref={draw} width={64} height={64} />
    </span>
  )
}

/** Zoom, fit, the layer menu with its legend, the scale and the credits. */
export function MapControls(props: MapControlsProps): React.JSX.Element {
  const { map, theme, unit, attribution, schematic, labels, onLabels, onFit } = props
  const [zoom, setZoom] = useState(map.getZoom())
  const [open, setOpen] = useState(false)
  const panelId = useId()
  const opener = useRef<HTMLButtonElement>(null)

  useEffect(() => {
    const zoomed = (): void => setZoom(map.getZoom())
    map.on('zoomend', zoomed)
    return () => {
      map.off('zoomend', zoomed)
    }
  }, [map])

  useEffect(() => {
    const scale = L.control.scale({
      imperial: unit === 'mi',
      metric: unit === 'km',
      position: 'bottomleft',
      maxWidth: 110,
    })
    scale.addTo(map)
    return () => {
      scale.remove()
    }
  }, [map, unit])

  useEffect(() => {
    const control = L.control.attribution({ prefix: LEAFLET_CREDIT })
    control.addAttribution(attribution)
    control.addTo(map)
    return () => {
      control.remove()
    }
  }, [map, attribution])

  const tooFar = zoom >= map.getMaxZoom()
  const tooNear = zoom <= map.getMinZoom()
  return (
    <div className="fleet-map-controls">
      <fieldset className="fleet-map-buttons" aria-label="Map">
        <button
          type="button"
          aria-label="Zoom in"
          title={tooFar ? 'This is as near as the map goes' : 'Zoom in'}
          aria-disabled={tooFar}
          onClick={() => map.zoomIn()}
        >
          <Plus aria-hidden="true" />
        </button>
        <button
          type="button"
          aria-label="Zoom out"
          title={tooNear ? 'This is as far as the map goes' : 'Zoom out'}
          aria-disabled={tooNear}
          onClick={() => map.zoomOut()}
        >
          <Minus aria-hidden="true" />
        </button>
        <button type="button" aria-label="Show the whole fleet" title="Show the whole fleet" onClick={onFit}>
          <Scan aria-hidden="true" />
        </button>
        <button
          type="button"
          ref={opener}
          aria-label="Layers and legend"
          title="Layers and legend"
          aria-expanded={open}
          aria-controls={panelId}
          onClick={() => setOpen(!open)}
        >
          <Layers aria-hidden="true" />
        </button>
      </fieldset>
      {open && (
        <section
          id={panelId}
          className="fleet-map-panel"
          aria-label="Layers and legend"
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            setOpen(false)
            opener.current?.focus()
          }}
        >
          <label>
            <input type="checkbox" checked={labels} onChange={(event) => onLabels(event.target.checked)} />
            Unit numbers
          </label>
          <ul>
            {LEGEND.map(({ words, state, level }) => (
              <li key={words}>
                <Swatch state={state} level={level} theme={theme} />
                {words}
              </li>
            ))}
          </ul>
          {schematic && <p>Highways are schematic. Street detail needs a tile source.</p>}
        </section>
      )}
    </div>
  )
}
