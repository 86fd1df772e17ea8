import type { DayEvent, DayLog } from '../../server/logs/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { DAY, type Instant } from '../../server/time/instant.ts'
import { isoWithOffset, zone } from '../../server/time/zone.ts'
import {
  brokenFor,
  clockTimeSeconds,
  dateTitle,
  distance,
  zonedDateTime,
  zonedTime,
  zoneLongName,
} from '../format.ts'
import { STATUS_WORDS } from '../logs/clocks.ts'
import { DayGrid } from '../logs/day-grid.tsx'
import { Facts, PrintBar, Sheet, SheetFoot } from './sheet.tsx'

const ORIGIN: Record<DayEvent['origin'], string> = {
  automatic: 'automatic, from motion',
  driver: 'driver',
  dispatcher: 'dispatcher',
  carried: 'carried in',
}

/** A driver's days on paper, one a sheet, oldest first: the record that 49 CFR 395.8(d) asks for, as far as it is kept. */
export function PrintedDays({
  days,
  madeAt,
  madeBy,
}: {
  days: readonly DayLog[]
  madeAt: Instant
  madeBy: string
}) {
  const { name, timeZone } = days[0]!.driver
  return (
    <main>
      <PrintBar>
        {name}, {days[0]!.date}
        {days.length > 1 && ` to ${days.at(-1)!.date}`}
      </PrintBar>
      {days.map((day, i) => (
        <Sheet key={day.date}>
          <Day day={day} />
          <SheetFoot page={`Page ${i + 1} of ${days.length}`}>
            Made {zonedDateTime(madeAt, timeZone)} by {madeBy} with Restline. Times are of the home terminal.
          </SheetFoot>
        </Sheet>
      ))}
    </main>
  )
}

function Day({ day }: { day: DayLog }) {
  const { driver, carrier } = day
  const { timeZone } = driver
  const offset = isoWithOffset(day.from, zone(timeZone)).slice(-6)
  const over = day.recordedUntil >= day.until
  return (
    <>
      <header className="flex items-baseline justify-between gap-4 border-ink border-b-2 pb-2">
        <h2 className="text-base">Driver’s daily log</h2>
        <p className="font-semibold text-sm">{dateTitle(day.date)}</p>
      </header>
      <Facts
        facts={[
          ['Driver', driver.name],
          ['Employee number', driver.employeeNumber],
          ['Licence', driver.licence],
          ['Carrier', carrier.name],
          ['USDOT number', carrier.usdotNumber],
          ['Main office', carrier.mainOffice],
          ['Home terminal', driver.homeTerminal],
          [
            'Period starts',
            `${zonedTime(day.from, timeZone)} (UTC${offset}), ${hoursMinutes(day.until - day.from)} h`,
          ],
          ['Time standard', zoneLongName(day.from, timeZone)],
          ['Trucks', day.unitNumbers.join(', ')],
          [
            'Distance',
            day.distanceMeters === null ? 'unknown' : distance(day.distanceMeters, carrier.distanceUnit),
          ],
          ['Rules', driver.ruleset],
        ]}
      />
      <DayGrid day={day} />
      {!over && <p>Recorded until {zonedDateTime(day.recordedUntil, timeZone)}; the day is not over.</p>}
      <div>
        <h3 className="mb-1 font-semibold text-xs">Violations</h3>
        {day.violations.length === 0 ? (
          <p>None found.</p>
        ) : (
          <ul className="flex flex-col gap-1">
            {day.violations.map((violation) => (
              <li key={`${violation.rule}${violation.from}`}>
                <strong>{violation.title}</strong> ({brokenFor(violation, timeZone)}): {violation.explanation}
              </li>
            ))}
          </ul>
        )}
      </div>
      <table className="w-full text-left tabular-nums">
        <thead>
          <tr className="border-ink border-b [&>th]:py-1 [&>th]:pr-3">
            <th>Time</th>
            <th>Status</th>
            <th>For</th>
            <th>Place</th>
            <th>Truck</th>
            <th>Set by</th>
            <th>Remark</th>
          </tr>
        </thead>
        <tbody>
          {day.events.map((event, i) => (
            <tr
              key={`${event.at} ${event.status}`}
              className="break-inside-avoid border-line border-b [&>td]:py-0.5 [&>td]:pr-3"
            >
              <td>{clockTimeSeconds(event.at, timeZone)}</td>
              <td>{STATUS_WORDS[event.status]}</td>
              <td>{hoursMinutes((day.events[i + 1]?.at ?? day.recordedUntil) - event.at)}</td>
              <td>{event.place}</td>
              <td>{event.unitNumber}</td>
              <td>{event.recordedBy ?? ORIGIN[event.origin]}</td>
              <td>{event.annotation}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="mt-2 flex items-end gap-3">
        <span>I certify that these entries are true and correct:</span>
        <span className="h-6 flex-1 border-ink border-b" />
        <span>Date</span>
        <span className="h-6 w-28 border-ink border-b" />
      </p>
      {day.until - day.from !== DAY && (
        <p>
          The clocks changed on this day; the grid shows the hours that passed, the labels what the clocks
          read.
        </p>
      )}
    </>
  )
}
