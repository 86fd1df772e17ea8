import type { DistanceUnit } from '../../server/fleet/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'
import type { DayEntry, DayTotals, DoubtName, Spot } from '../../server/trips/schema.ts'
import { coordinates, distance, plural } from '../format.ts'

/** A stop's silence is worth a word from here on: nobody saw that it stood. */
const SILENT_MS = 45 * MINUTE

const where = ({ place, latitude, longitude }: Spot) => place ?? coordinates(latitude, longitude)

/** What of the day a reader should know in one line: "3 trips, 412 mi, 7:10 moving". */
export function totalsLine(totals: DayTotals, unit: DistanceUnit): string {
  if (totals.trips === 0) return 'No trip'
  return `${plural(totals.trips, 'trip', 'trips')}, ${distance(totals.distanceMeters, unit)}, ${hoursMinutes(totals.movingMs)} moving`
}

export interface EntryWords {
  title: string
  /** Where it was, or from where to where. */
  place: string
  /** What is not certain of it; empty: nothing. */
  note: string
}

/** An entry for people. A trip or stop that reaches over the day's edge, or whose edge nobody saw, says so. */
export function entryWords(entry: DayEntry, from: Instant, until: Instant): EntryWords {
  const notes: string[] = []
  if (entry.startedAt < from) notes.push('began the day before')
  if (entry.endedAt >= until) notes.push('goes on the day after')
  switch (entry.kind) {
    case 'trip':
      if (entry.startsBy === 'gap') notes.push('how it began is not known')
      if (entry.endsBy === 'gap') notes.push('how it ended is not known')
      if (entry.endsBy === 'open') notes.push('it has not ended')
      return {
        title: 'Trip',
        place: `${where(entry.start)} to ${where(entry.end)}`,
        note: notes.join('; '),
      }
    case 'stop':
      if (entry.longestSilenceMs > SILENT_MS)
        notes.push(`silent for ${hoursMinutes(entry.longestSilenceMs)} of it, presumed to stand`)
      if (entry.endsBy === 'gap') notes.push('how it ended is not known')
      return { title: 'Stop', place: where(entry.spot), note: notes.join('; ') }
    case 'gap':
      notes.unshift(
        entry.reason === 'silence'
          ? 'no signal, and elsewhere after it: nobody knows what was between'
          : 'its positions contradict each other: nobody knows what was between',
      )
      return {
        title: 'Gap',
        place: `${where(entry.start)} to ${where(entry.end)}`,
        note: notes.join('; '),
      }
  }
}

export const DOUBT: Record<DoubtName, string> = {
  'future clock': 'clock ahead',
  'past clock': 'clock far behind',
  'zero fix': 'at 0, 0',
  'no fix': 'without a fix',
  speed: 'impossible speed',
  accuracy: 'too inaccurate',
  jump: 'a jump',
  'said twice': 'said twice, once with a wrong week',
}
