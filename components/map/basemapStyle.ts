import {
  type Feature,
  type LabelRule,
  LineSymbolizer,
  linear,
  type PaintRule,
  PolygonSymbolizer,
} from 'protomaps-leaflet'
import { LandSymbolizer, ShieldsSymbolizer, TownSymbolizer } from './mapLabels.ts'
import type { MapPalette } from './palette.ts'

/** A filter for features of one of these kinds. */
function kind(...kinds: string[]): (zoom: number, feature: Feature) => boolean {
  return (_, feature) => kinds.includes(String(feature.props.kind))
}

/**
 * What is painted, from the ground up, over a canvas of sea. The same rules serve the embedded file and a real
 * Protomaps/OpenStreetMap set, which has the kinds that we lack. `schematic`: the highways are our own lines through
 * towns; past zoom 10 they fade, for there they would pretend to be surveyed.
 */
export function paintRules(palette: MapPalette, schematic: boolean): PaintRule[] {
  const highwayWidth = linear([
    [3, 0.5],
    [4, 0.9],
    [5, 1.3],
    [6, 1.9],
    [8, 2.5],
    [10, 3.4],
    [14, 7],
  ])
  const fade = (zoom: number): number => (schematic && zoom > 10 ? (zoom > 11 ? 0.35 : 0.6) : 1)
  return [
    { dataLayer: 'earth', symbolizer: new PolygonSymbolizer({ fill: palette.land }) },
    {
      dataLayer: 'landuse',
      filter: kind('park', 'forest', 'national_park', 'wood', 'nature_reserve', 'grass'),
      symbolizer: new PolygonSymbolizer({ fill: palette.park }),
    },
    {
      dataLayer: 'water',
      filter: (_, feature) => feature.geomType === 3 && feature.props.kind !== 'ocean',
      symbolizer: new PolygonSymbolizer({ fill: palette.water }),
    },
    {
      dataLayer: 'water',
      minzoom: 5,
      filter: (_, feature) => feature.geomType === 2,
      symbolizer: new LineSymbolizer({
        color: palette.river,
        width: linear([
          [5, 0.6],
          [9, 1.6],
        ]),
      }),
    },
    {
      dataLayer: 'boundaries',
      minzoom: 8,
      filter: kind('county'),
      symbolizer: new LineSymbolizer({ color: palette.county, width: 1 }),
    },
    {
      dataLayer: 'boundaries',
      minzoom: 3,
      filter: kind('region'),
      symbolizer: new LineSymbolizer({
        color: palette.region,
        width: linear([
          [4, 0.7],
          [8, 1.3],
        ]),
      }),
    },
    {
      dataLayer: 'boundaries',
      filter: kind('country'),
      symbolizer: new LineSymbolizer({
        color: palette.country,
        width: linear([
          [3, 0.8],
          [8, 1.5],
        ]),
      }),
    },
    {
      dataLayer: 'roads',
      minzoom: 10,
      filter: kind('minor_road'),
      symbolizer: new LineSymbolizer({
        color: palette.minorRoad,
        width: linear([
          [10, 0.5],
          [15, 4],
        ]),
      }),
    },
    {
      dataLayer: 'roads',
      minzoom: 8,
      filter: kind('major_road', 'medium_road'),
      symbolizer: new LineSymbolizer({
        color: palette.minorRoad,
        width: linear([
          [8, 0.8],
          [15, 6],
        ]),
      }),
    },
    {
      dataLayer: 'roads',
      minzoom: 6,
      filter: kind('highway'),
      symbolizer: new LineSymbolizer({
        color: palette.roadCasing,
        width: (zoom: number) => highwayWidth(zoom) + 2,
        opacity: fade,
        lineCap: 'round',
        lineJoin: 'round',
      }),
    },
    {
      dataLayer: 'roads',
      minzoom: 3,
      filter: kind('highway'),
      symbolizer: new LineSymbolizer({
        color: palette.road,
        width: highwayWidth,
        opacity: fade,
        lineCap: 'round',
        lineJoin: 'round',
      }),
    },
  ]
}

function byPopulation(a: Feature['props'], b: Feature['props']): number {
  return Number(b.population ?? 0) - Number(a.population ?? 0)
}

/** What is written, first come first placed: countries, cities, states, shields, then whatever still fits. */
export function labelRules(palette: MapPalette): LabelRule[] {
  const town = new TownSymbolizer(palette)
  const rank = (feature: Feature): number => Number(feature.props.population_rank ?? 0)
  return [
    {
      dataLayer: 'places',
      maxzoom: 5,
      filter: kind('country'),
      symbolizer: new LandSymbolizer(palette, 'country'),
    },
    {
      dataLayer: 'places',
      sort: byPopulation,
      filter: (zoom, feature) => feature.props.kind === 'locality' && rank(feature) >= (zoom < 5 ? 13 : 11),
      symbolizer: town,
    },
    {
      dataLayer: 'places',
      minzoom: 5,
      maxzoom: 8,
      filter: kind('region'),
      symbolizer: new LandSymbolizer(palette, 'region'),
    },
    {
      dataLayer: 'roads',
      minzoom: 5,
      filter: kind('highway'),
      symbolizer: new ShieldsSymbolizer(palette),
    },
    {
      dataLayer: 'places',
      sort: byPopulation,
      filter: kind('locality'),
      symbolizer: town,
    },
  ]
}
