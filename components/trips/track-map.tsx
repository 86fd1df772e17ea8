'use client'
import 'leaflet/dist/leaflet.css'
import '../map/map.css'
import { useCallback, useEffect, useState } from 'react'
import { MapContainer, useMap } from 'react-leaflet'
import type { Track } from '../../server/trips/schema.ts'
import { Basemap } from '../map/Basemap.tsx'
import { embeddedBasemap } from '../map/basemapLayer.ts'
import { L, LEAFLET_CREDIT } from '../map/leaflet.ts'
import { palettes, type Theme } from '../map/palette.ts'

const WIDTH_PX = 4
const END_RADIUS_PX = 7
const MOST_ZOOM = 13

function Way({ track, theme }: { track: Track; theme: Theme }): null {
  const map = useMap()
  useEffect(() => void map.attributionControl.setPrefix(LEAFLET_CREDIT), [map])
  useEffect(() => {
    const { selection, outline } = palettes[theme]
    const points = track.latitudes.map((latitude, i) => L.latLng(latitude, track.longitudes[i]!))
    const [first, last] = [points[0], points.at(-1)]
    if (!first || !last) return
    const end = { radius: END_RADIUS_PX, color: selection, weight: 3, fillOpacity: 1 }
    const layers = [
      L.polyline(points, { color: outline, weight: WIDTH_PX + 4 }),
      L.polyline(points, { color: selection, weight: WIDTH_PX }),
      // A ring where it began, a disc where it ended.
      L.circleMarker(first, { ...end, fillColor: outline }),
      L.circleMarker(last, { ...end, fillColor: selection }),
    ]
    for (const layer of layers) layer.addTo(map)
    map.fitBounds(L.latLngBounds(points), { padding: [28, 28], maxZoom: MOST_ZOOM, animate: false })
    return () => {
      for (const layer of layers) layer.remove()
    }
  }, [map, track, theme])
  return null
}

/** The way of one trip. For the browser only. */
export function TrackMap({ track, dark }: { track: Track; dark: boolean }) {
  const theme: Theme = dark ? 'dark' : 'light'
  const [failed, setFailed] = useState(false)
  const onReady = useCallback(() => {}, [])
  const onError = useCallback(() => setFailed(true), [])
  return (
    <div className="fleet-map" data-map-theme={theme}>
      <MapContainer
        center={[track.latitudes[0] ?? 38.8, track.longitudes[0] ?? -96.5]}
        zoom={8}
        minZoom={3}
        maxZoom={embeddedBasemap.maxZoom}
        zoomAnimation={false}
        fadeAnimation={false}
        className="fleet-map-leaflet"
      >
        <Basemap config={embeddedBasemap} theme={theme} onReady={onReady} onError={onError} />
        <Way track={track} theme={theme} />
      </MapContainer>
      {failed && (
        <p className="fleet-map-notice" role="alert">
          The map background could not be loaded. The way is still shown.
        </p>
      )}
    </div>
  )
}
