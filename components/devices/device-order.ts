import type { DeviceRow } from '../../server/fleet/devices-schema.ts'
import type { KnownDevice } from './device-state.ts'
import { PROTOCOL_TITLE } from './settings.ts'

export const SHOW = ['all', 'working', 'trouble', 'silent', 'revoked'] as const
export type Show = (typeof SHOW)[number]
export const SORTS = ['truck', 'name', 'protocol', 'connection', 'work', 'clock'] as const
export type Sort = (typeof SORTS)[number]

const collator = new Intl.Collator('en', { numeric: true })

/** What of a device seldom changes: its places in the orders of texts, and what the search looks in. */
export interface DeviceTexts {
  truck: number
  name: number
  words: string
  of: Pick<DeviceRow, 'name' | 'unitNumber' | 'identity' | 'protocol'>
}

/**
 * The texts of all devices by id. Comparing ten thousand of them as people read them takes a tenth of a second, and devices report all
 * the time: as long as the texts are those of `before` it is given back.
 */
export function textsOf(
  devices: readonly DeviceRow[],
  before: ReadonlyMap<number, DeviceTexts>,
): ReadonlyMap<number, DeviceTexts> {
  const same = (one: DeviceRow) => {
    const of = before.get(one.id)?.of
    return (
      of !== undefined &&
      of.name === one.name &&
      of.unitNumber === one.unitNumber &&
      of.identity === one.identity
    )
  }
  if (devices.length === before.size && devices.every(same)) return before
  const rank = (text: (one: DeviceRow) => string) => {
    const sorted = [...devices].sort((a, b) => collator.compare(text(a), text(b)))
    const ranks = new Map<number, number>()
    // Equal texts have equal places, so that the next order decides.
    let at = 0
    for (const [i, one] of sorted.entries()) {
      if (i > 0 && collator.compare(text(sorted[i - 1]!), text(one)) !== 0) at = i
      ranks.set(one.id, at)
    }
    return ranks
  }
  const trucks = rank(({ unitNumber }) => unitNumber)
  const names = rank(({ name }) => name)
  return new Map(
    devices.map(({ id, name, unitNumber, identity, protocol }) => [
      id,
      {
        truck: trucks.get(id)!,
        name: names.get(id)!,
        words: `${name} ${unitNumber} ${identity ?? ''} ${PROTOCOL_TITLE[protocol]}`.toLowerCase(),
        of: { name, unitNumber, identity, protocol },
      },
    ]),
  )
}

export function belongs({ connection, work }: KnownDevice, show: Show): boolean {
  if (show === 'all') return connection !== 'revoked'
  if (show === 'revoked') return connection === 'revoked'
  if (connection === 'revoked') return false
  const heard = connection === 'online' || connection === 'quiet'
  if (show === 'silent') return !heard
  return heard && (show === 'working') === (work === 'fix')
}

/** How many belong to each. */
export function countsOf(known: readonly KnownDevice[]): Record<Show, number> {
  const counts: Record<Show, number> = { all: 0, working: 0, trouble: 0, silent: 0, revoked: 0 }
  for (const one of known) for (const show of SHOW) if (belongs(one, show)) counts[show]++
  return counts
}

const CONNECTIONS = ['online', 'quiet', 'silent', 'never', 'revoked']
const WORKS = ['refused', 'clock', 'implausible', 'no-fix', 'nothing', 'fix']

const COMPARE: Record<Sort, (a: KnownDevice, b: KnownDevice) => number> = {
  truck: (a, b) => a.texts.truck - b.texts.truck,
  name: (a, b) => a.texts.name - b.texts.name,
  protocol: (a, b) =>
    a.device.protocol === b.device.protocol ? 0 : a.device.protocol < b.device.protocol ? -1 : 1,
  connection: (a, b) =>
    CONNECTIONS.indexOf(a.connection) - CONNECTIONS.indexOf(b.connection) ||
    (b.device.seenAt ?? 0) - (a.device.seenAt ?? 0),
  work: (a, b) => WORKS.indexOf(a.work) - WORKS.indexOf(b.work),
  clock: (a, b) => Math.abs(a.device.clockOffsetMs ?? 0) - Math.abs(b.device.clockOffsetMs ?? 0),
}

/** Those that are shown and hold the text, in their order; equal ones by name. */
export function chosenOf(
  known: readonly KnownDevice[],
  { show, query, sort, down }: { show: Show; query: string; sort: Sort; down: boolean },
): KnownDevice[] {
  const wanted = query.trim().toLowerCase()
  const compare = COMPARE[sort]
  const sign = down ? -1 : 1
  return known
    .filter((one) => belongs(one, show) && one.texts.words.includes(wanted))
    .sort((a, b) => sign * compare(a, b) || a.texts.name - b.texts.name || a.device.id - b.device.id)
}
