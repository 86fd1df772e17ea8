import { VehicleState } from '../../server/geo/frame.ts'
import type { Bubble } from './cluster.ts'
import { CATEGORIES, type Category } from './palette.ts'
import { AlertLevel, type Truck } from './truckStore.ts'

export type DistanceUnit = 'km' | 'mi'

const STATE_WORDS: Record<VehicleState, string> = {
  [VehicleState.off]: 'Parked',
  [VehicleState.idle]: 'Stopped, on duty',
  [VehicleState.moving]: 'Moving',
  [VehicleState.silent]: 'Silent',
}

const CATEGORY_WORDS: Record<Category, string> = {
  violation: 'past a limit',
  warning: 'near a limit',
  moving: 'moving',
  idle: 'stopped, on duty',
  off: 'parked',
  silent: 'silent',
}

const WINDS = ['north', 'northeast', 'east', 'southeast', 'south', 'southwest', 'west', 'northwest'] as const

/** How old a report is, in the largest unit that fits: "12 s", "3 min", "5 h", "2 d". */
export function ageWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 90) return `${seconds} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** What a truck's tooltip says, line by line; the first is its name. `now` in epoch milliseconds. */
export function truckLines(truck: Truck, unit: DistanceUnit, now: number): string[] {
  const speed = unit === 'km' ? `${truck.speedKph} km/h` : `${Math.round(truck.speedKph / 1.609344)} mph`
  const wind = truck.headingDegrees === null ? '' : ` ${WINDS[Math.round(truck.headingDegrees / 45) % 8]}`
  const motion = truck.state === VehicleState.moving ? `${speed}${wind}` : STATE_WORDS[truck.state]
  const lines = [truck.label || `Truck ${truck.vehicleId}`, motion]
  if (truck.level === AlertLevel.violation) lines.push('Driver is past a limit')
  if (truck.level === AlertLevel.warning) lines.push('Driver is near a limit')
  lines.push(`Reported ${ageWords(now - truck.fixTime)} ago`)
  return lines
}

/** What a bubble's tooltip says. */
export function bubbleLines(bubble: Bubble): string[] {
  const lines = [`${bubble.count.toLocaleString('en-US')} trucks`]
  CATEGORIES.forEach((category, c) => {
    const n = bubble.categories[c] ?? 0
    if (n > 0) lines.push(`${n.toLocaleString('en-US')} ${CATEGORY_WORDS[category]}`)
  })
  return lines
}

/** The lines as elements; text only, for a unit number is what somebody typed. */
export function tooltipElement(lines: readonly string[]): HTMLElement {
  const box = document.createElement('div')
  lines.forEach((line, i) => {
    const element = document.createElement(i === 0 ? 'strong' : 'span')
    element.textContent = line
    box.append(element)
  })
  return box
}
