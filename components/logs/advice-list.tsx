import type { AdviceRow } from '../../server/logs/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'
import { zonedDateTime } from '../format.ts'
import { costText, pairText, restWords } from './advice-words.ts'

const lower = (title: string) => title[0]!.toLowerCase() + title.slice(1)

/** How long the driver may drive on, and which rest brings what. */
export function AdviceList({
  advice,
  timeZone,
  today,
  most = advice.rests.length,
}: {
  advice: AdviceRow
  timeZone: string
  /** Times of this day go without their date. */
  today: Instant
  /** How many rests to name, and how many in two parts. */
  most?: number
}) {
  const time = (at: Instant) => zonedDateTime(at, timeZone, today)
  const driving = (ms: number, by: string | null) =>
    `${hoursMinutes(ms)} of driving${by ? ` (${lower(by)})` : ''}`
  return (
    <ul className="flex flex-col gap-1 tabular-nums">
      <li>
        {advice.driveMs >= MINUTE
          ? `Driving on: until ${time(advice.driveUntil)}, ${driving(advice.driveMs, advice.limitedBy)}.`
          : `No driving now${advice.limitedBy ? `: ${lower(advice.limitedBy)}` : ''}.`}
      </li>
      {advice.rests.slice(0, most).map((rest) => (
        <li key={`${rest.status}${rest.ms}`} className="text-muted">
          {restWords(rest)} {hoursMinutes(rest.ms)}, until {time(rest.until)}
          {rest.paired && ', as one of a pair'}: then {driving(rest.driveMs, rest.limitedBy)}.
          {rest.cost && ` ${costText(rest.cost, time)}`}
        </li>
      ))}
      {advice.pairs.slice(0, most).map((pair) => (
        <li key={`${pair.kind}${pair.first.from}`} className="text-muted">
          {pairText(pair, time)}: then {driving(pair.driveMs, pair.limitedBy)}.
          {pair.cost && ` ${costText(pair.cost, time)}`}
        </li>
      ))}
    </ul>
  )
}
