'use client'

import type { Layer } from 'leaflet'
import { useEffect, useRef } from 'react'
import { useMap } from 'react-leaflet'
import { type BasemapConfig, createBasemapLayer } from './basemapLayer.ts'
import type { Theme } from './palette.ts'

interface BasemapProps {
  config: BasemapConfig
  theme: Theme
  /** Called when the first tiles are on the screen. */
  onReady: () => void
  /** Called when the background cannot be had. Give the component another `key` to try again. */
  onError: () => void
}

/** The map's background. A new theme or source replaces the old one once it has drawn, so the map never flashes. */
export function Basemap({ config, theme, onReady, onError }: BasemapProps): null {
  const map = useMap()
  const shown = useRef<Layer[]>([])
  const { url, urlDark, attribution, maxZoom } = config
  useEffect(() => {
    const layer = createBasemapLayer({ url, urlDark, attribution, maxZoom }, theme, onError)
    shown.current.push(layer)
    layer.once('load', () => {
      // All that came before it: one that was replaced at once may never have drawn.
      const older = shown.current.splice(0, shown.current.indexOf(layer))
      for (const before of older) before.remove()
      onReady()
    })
    layer.addTo(map)
  }, [map, url, urlDark, attribution, maxZoom, theme, onReady, onError])
  useEffect(
    () => () => {
      for (const layer of shown.current.splice(0)) layer.remove()
    },
    [],
  )
  return null
}
