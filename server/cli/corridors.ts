/** Resolves the towns of server/geo/corridors.txt and writes server/geo/corridors.data.ts. Run after editing the list. */
import { readFileSync, writeFileSync } from 'node:fs'
import { bearingDegrees, distanceMeters } from '../geo/distance.ts'
import { loadPlaces, type Place } from './places.ts'

const source = new URL('../geo/corridors.txt', import.meta.url)
const target = new URL('../geo/corridors.data.ts', import.meta.url)

const byName = new Map<string, Place[]>()
for (const place of loadPlaces()) {
  const keys = new Set([place.region])
  // "Ontario CA" is in California, never in Canada.
  if (place.country !== 'US' && place.country !== 'CA') keys.add(place.country)
  for (const region of keys) {
    const key = `${place.name} ${region}`
    byName.set(key, [...(byName.get(key) ?? []), place])
  }
}

/** Of several places with one name, the choice that makes the whole highway shortest. */
function shortestChoice(candidates: Place[][]): Place[] {
  let paths = (candidates[0] ?? []).map((place) => ({ meters: 0, places: [place] }))
  for (const next of candidates.slice(1)) {
    paths = next.map((place) => {
      const options = paths.map((path) => ({
        meters: path.meters + distanceMeters(path.places.at(-1)!, place),
        places: [...path.places, place],
      }))
      return options.reduce((best, option) => (option.meters < best.meters ? option : best))
    })
  }
  return paths.reduce((best, path) => (path.meters < best.meters ? path : best)).places
}

const faults: string[] = []
const out: { id: string; shield: string; network: string; points: [number, number, string][] }[] = []
for (const line of readFileSync(source, 'utf8').split('\n')) {
  if (line === '' || line.startsWith('#')) continue
  const [id = '', shield = '', network = '', list = ''] = line.split(' | ')
  const candidates: Place[][] = []
  for (const town of list.split('; ')) {
    const found = byName.get(town)
    if (found) candidates.push(found)
    else faults.push(`${id}: no place called ${town}`)
  }
  const points = shortestChoice(candidates).map((place): [number, number, string] => [
    Number(place.longitude.toFixed(4)),
    Number(place.latitude.toFixed(4)),
    `${place.name}, ${place.region}`,
  ])
  for (let i = 1; i < points.length; i++) {
    const [lonA, latA, nameA] = points[i - 1]!
    const [lonB, latB, nameB] = points[i]!
    const a = { latitude: latA, longitude: lonA }
    const b = { latitude: latB, longitude: lonB }
    const km = distanceMeters(a, b) / 1000
    if (km > 320 || km < 2) faults.push(`${id}: ${nameA} to ${nameB} is ${km.toFixed(0)} km`)
    const next = points[i + 1]
    if (!next) continue
    const turn = Math.abs(
      ((bearingDegrees(b, { latitude: next[1], longitude: next[0] }) - bearingDegrees(a, b) + 540) % 360) -
        180,
    )
    // A road that turns back on itself nearly always means that the wrong town of that name was found.
    if (turn > 120) faults.push(`${id}: turns ${turn.toFixed(0)} degrees at ${nameB}`)
  }
  out.push({ id, shield, network, points })
}
for (const fault of faults) console.error(fault)
if (faults.some((fault) => fault.includes('no place'))) process.exit(1)
writeFileSync(
  target,
  `/** Made by server/cli/corridors.ts from corridors.txt: edit that. */
import type { CorridorRow } from './corridors.ts'

export const corridorRows: readonly CorridorRow[] = [
${out.map((corridor) => `  ${JSON.stringify(corridor)},`).join('\n')}
]
`,
)
console.log(`${out.length} corridors, ${out.reduce((sum, c) => sum + c.points.length, 0)} towns`)
