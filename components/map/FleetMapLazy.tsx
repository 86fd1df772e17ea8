'use client'

import dynamic from 'next/dynamic'
import type { FleetMapProps } from './FleetMap.tsx'
import './skeleton.css'

/** In the map's place, and of its size, until its code has come. */
export function FleetMapSkeleton(): React.JSX.Element {
  return (
    <div className="fleet-map-skeleton" role="status">
      <span>Loading the map…</span>
    </div>
  )
}

const Loaded = dynamic(() => import('./FleetMap.tsx').then((module) => module.FleetMap), {
  // Leaflet looks for a window as soon as it is imported.
  ssr: false,
  loading: FleetMapSkeleton,
})

/** The live map, as pages use it: the same props as FleetMap, its code loaded when it is first shown. */
export function FleetMapLazy(props: FleetMapProps): React.JSX.Element {
  return <Loaded {...props} />
}
