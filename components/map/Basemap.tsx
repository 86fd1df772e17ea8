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
  const shown = useRef<Layer | null>(null)
  const { url, urlDark, attribution, maxZoom } = config
  useEffect(() => {
    const before = shown.current
    const layer = createBasemapLayer({ url, urlDark, attribution, maxZoom }, theme, onError)
    shown.current = layer
    layer.once('load', () => {
      before?.remove()
      onReady()
    })
    layer.addTo(map)
  }, [map, url, urlDark, attribution, maxZoom, theme, onReady, onError])
  useEffect(
    () => () => {
      shown.current?.remove()
      shown.current = null
    },
    [],
  )
  return null
}
