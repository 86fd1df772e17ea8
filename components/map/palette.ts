export type Theme = 'light' | 'dark'

/** What a truck counts as in a bubble's ring and in a legend: its alert if it has one, else its state. */
export const CATEGORIES = ['violation', 'warning', 'moving', 'idle', 'off', 'silent'] as const
export type Category = (typeof CATEGORIES)[number]

export interface MapPalette {
  land: string
  water: string
  river: string
  country: string
  region: string
  county: string
  road: string
  roadCasing: string
  minorRoad: string
  park: string
  shield: string
  shieldOther: string
  shieldText: string
  label: string
  labelMinor: string
  labelRegion: string
  labelCountry: string
  halo: string
  /** The inside of a bubble and its number. */
  bubble: string
  bubbleText: string
  bubbleEdge: string
  /** Around a truck, so that it stands off the map. */
  outline: string
  selection: string
  truck: Record<Category, string>
}

export const palettes: Record<Theme, MapPalette> = {
  light: {
    land: '#f5f4f1',
    water: '#cbdbe7',
    river: '#bfd2e0',
    country: '#8d8d99',
    region: '#c3c2ca',
    county: '#e3e1e0',
    road: '#e8b95f',
    roadCasing: '#fdf6e6',
    minorRoad: '#e3ddd0',
    park: '#e4ecdc',
    shield: '#3b67a8',
    shieldOther: '#5d7361',
    shieldText: '#ffffff',
    label: '#31343b',
    labelMinor: '#565a63',
    labelRegion: '#8d8f9b',
    labelCountry: '#6d7080',
    halo: 'rgba(250, 249, 247, 0.92)',
    bubble: '#ffffff',
    bubbleText: '#1b1f27',
    bubbleEdge: 'rgba(27, 31, 39, 0.16)',
    outline: '#ffffff',
    selection: '#1d4ed8',
    truck: {
      violation: '#d22f2f',
      warning: '#f08c00',
      moving: '#15924a',
      idle: '#2563eb',
      off: '#6b7280',
      silent: '#7d8592',
    },
  },
  dark: {
    land: '#1b2029',
    water: '#0e141c',
    river: '#131b26',
    country: '#79818f',
    region: '#3a4250',
    county: '#252b36',
    road: '#8d6c33',
    roadCasing: '#14181f',
    minorRoad: '#2b313c',
    park: '#1c2823',
    shield: '#2f5490',
    shieldOther: '#3d5447',
    shieldText: '#dfe9f8',
    label: '#d9dde4',
    labelMinor: '#a7aebb',
    labelRegion: '#737c8c',
    labelCountry: '#8a93a3',
    halo: 'rgba(17, 21, 28, 0.9)',
    bubble: '#131820',
    bubbleText: '#eef1f6',
    bubbleEdge: 'rgba(0, 0, 0, 0.55)',
    outline: '#0d1117',
    selection: '#7aa7ff',
    truck: {
      violation: '#ff5c55',
      warning: '#ffa630',
      moving: '#37c871',
      idle: '#5b9bff',
      off: '#9aa4b4',
      silent: '#8b95a5',
    },
  },
}

/** The type that map labels are set in; the console loads Inter, a bare page falls back. */
export const MAP_FONT = '"Inter Variable", Inter, system-ui, "Segoe UI", Roboto, Arial, sans-serif'
