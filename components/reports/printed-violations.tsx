import type { FleetViolations } from '../../server/reports/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'
import { plural, zonedDateTime } from '../format.ts'
import { Facts, PrintBar, Sheet, SheetFoot } from './sheet.tsx'

/** A fleet's violations on paper, a row each. */
export function PrintedViolations({
  found,
  carrier,
  from,
  until,
  madeAt,
  madeBy,
}: {
  found: FleetViolations
  carrier: { name: string; usdotNumber: string | null; mainOffice: string; timeZone: string }
  from: string
  until: string
  madeAt: Instant
  madeBy: string
}) {
  const { violations, notJudged, driverCount } = found
  const title = `Violations, ${from} to ${until}`
  return (
    <main>
      <PrintBar>{title}</PrintBar>
      <Sheet>
        <header className="border-ink border-b-2 pb-2">
          <h2 className="text-base">{title}</h2>
        </header>
        <Facts
          facts={[
            ['Carrier', carrier.name],
            ['USDOT number', carrier.usdotNumber],
            ['Main office', carrier.mainOffice],
            ['Drivers', plural(driverCount, 'driver', 'drivers')],
            ['Violations', String(violations.length)],
            ['Times', 'of each driver’s home terminal'],
          ]}
        />
        {violations.length === 0 ? (
          <p className="py-4 text-xs">No violation was found in these days.</p>
        ) : (
          <table className="w-full text-left tabular-nums">
            <thead>
              <tr className="border-ink border-b [&>th]:py-1 [&>th]:pr-3">
                <th>Driver</th>
                <th>Limit</th>
                <th>From</th>
                <th>For</th>
                <th>What happened</th>
              </tr>
            </thead>
            <tbody>
              {violations.map((violation) => (
                <tr
                  key={`${violation.driverId} ${violation.rule} ${violation.from}`}
                  className="break-inside-avoid border-line border-b align-top [&>td]:py-1 [&>td]:pr-3"
                >
                  <td>
                    <span className="font-medium">{violation.driverName}</span>
                    <br />
                    {violation.employeeNumber}
                  </td>
                  <td>{violation.title}</td>
                  <td className="whitespace-nowrap">{zonedDateTime(violation.from, violation.timeZone)}</td>
                  <td>{forWords(violation)}</td>
                  <td>{violation.explanation}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {notJudged.length > 0 && (
          <div>
            <h3 className="mb-1 font-semibold text-xs">Logs that could not be judged</h3>
            <ul>
              {notJudged.map(({ driverId, driverName, employeeNumber, reason }) => (
                <li key={driverId}>
                  {driverName} ({employeeNumber}): {reason}
                </li>
              ))}
            </ul>
          </div>
        )}
        <SheetFoot>
          Made {zonedDateTime(madeAt, carrier.timeZone)} by {madeBy} with Restline.
        </SheetFoot>
      </Sheet>
    </main>
  )
}

/** The violation's own instant stands beside it: what lasted no minute has just begun, or is broken at that instant. */
function forWords({ from, until, open }: FleetViolations['violations'][number]): string {
  if (until - from < MINUTE) return open ? 'just begun' : 'at once'
  return `${hoursMinutes(until - from)}${open ? ' so far' : ''}`
}
