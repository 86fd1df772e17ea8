'use client'
import { Printer } from 'lucide-react'
import { parseAsInteger, parseAsStringLiteral, useQueryState } from 'nuqs'
import { type ReactNode, useMemo } from 'react'
import type { DriverRow } from '../../server/logs/schema.ts'
import {
  DriverDaysRequest,
  LONGEST_RANGE_DAYS,
  type ReportAsked,
  ViolationsRequest,
} from '../../server/reports/schema.ts'
import { addDays } from '../../server/time/zone.ts'
import { dateIn, plural } from '../format.ts'
import { useLiveValue, useSlowNow } from '../live/live.tsx'
import { BlockedButton } from '../shell/may-button.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { buttonClass } from '../ui/button.tsx'
import { ComboboxField } from '../ui/combobox.tsx'
import { TextField } from '../ui/field.tsx'
import { Segments } from '../ui/segments.tsx'
import { ExportButton, ExportTrouble } from './export-button.tsx'
import { ExportList } from './export-list.tsx'
import { parseAsDate } from './parse-date.ts'
import { useExports } from './use-exports.ts'

const still = { history: 'replace', shallow: true } as const
const WHAT = ['driver-days', 'violations'] as const
const ROWS = ['days', 'events'] as const
const order = new Intl.Collator('en', { numeric: true })

/** A driver's days or a fleet's violations for a range, as a table for programs or as paper. */
export function ExportPage() {
  const { fleet } = useViewer()
  const now = useSlowNow()
  const today = now > 0 ? dateIn(now, fleet.timeZone) : null
  const [what, setWhat] = useQueryState(
    'what',
    parseAsStringLiteral(WHAT).withDefault('driver-days').withOptions(still),
  )
  const [chosenFrom, setFrom] = useQueryState('from', parseAsDate.withOptions(still))
  const [chosenUntil, setUntil] = useQueryState('until', parseAsDate.withOptions(still))
  const [driverId, setDriverId] = useQueryState('driver', parseAsInteger.withOptions(still))
  const [rows, setRows] = useQueryState(
    'rows',
    parseAsStringLiteral(ROWS).withDefault('days').withOptions(still),
  )
  const exports = useExports()
  const drivers = useLiveValue((store) => store.drivers)
  const sorted = useMemo(() => [...drivers.values()].sort((a, b) => order.compare(a.name, b.name)), [drivers])
  // Today and the seven days before: what is asked for at the roadside.
  const until = chosenUntil ?? today ?? ''
  const from = chosenFrom ?? (today ? addDays(today, -7) : '')

  const ofDriver = what === 'driver-days'
  const asked = { from, until, ...(ofDriver && driverId !== null && { driver: driverId }) }
  const checked = (ofDriver ? DriverDaysRequest : ViolationsRequest).safeParse(asked)
  const faults = new Map(checked.error?.issues.map(({ path, message }) => [String(path[0]), message]))
  const why =
    ofDriver && driverId === null
      ? 'Choose a driver first.'
      : checked.success
        ? null
        : 'The range can’t be exported yet.'
  const query = new URLSearchParams(Object.entries(asked).map(([key, value]) => [key, String(value)]))
  const report: ReportAsked | null = !checked.success
    ? null
    : ofDriver
      ? { kind: what, driverId: driverId!, from, until, rows }
      : { kind: what, from, until }
  return (
    <div className="mx-auto flex w-full max-w-2xl flex-col gap-5 p-4 md:py-8">
      <div>
        <h1 className="text-xl">Export</h1>
        <p className="mt-1 text-muted">
          Days are those of each driver’s home terminal, with its zone. At most {LONGEST_RANGE_DAYS} days at a
          time.
        </p>
      </div>
      <div className="flex flex-col gap-5 rounded-lg border border-line bg-surface p-5">
        <Segments
          label="What to export"
          name="what"
          value={what}
          onChange={(value) => void setWhat(value === 'driver-days' ? null : value)}
          options={[
            { value: 'driver-days', label: 'A driver’s days' },
            { value: 'violations', label: 'The fleet’s violations' },
          ]}
        />
        {ofDriver && (
          <ComboboxField<DriverRow>
            label="Driver"
            placeholder="Name or number"
            items={sorted}
            value={sorted.find((driver) => driver.driverId === driverId) ?? null}
            onChange={(driver) => void setDriverId(driver?.driverId ?? null)}
            labelOf={({ name, employeeNumber }) => `${name} (${employeeNumber})`}
            isSame={(a, b) => a.driverId === b.driverId}
          >
            {({ name, employeeNumber, homeTerminal }) => (
              <>
                <span className="flex-1 truncate">{name}</span>
                <span className="truncate text-muted text-xs">
                  {employeeNumber} · {homeTerminal}
                </span>
              </>
            )}
          </ComboboxField>
        )}
        <div className="grid grid-cols-2 gap-4">
          <TextField
            label="First day"
            type="date"
            value={from}
            max={today ?? undefined}
            error={from && faults.get('from')}
            onChange={(event) => void setFrom(event.target.value || null)}
          />
          <TextField
            label="Last day"
            type="date"
            value={until}
            max={today ?? undefined}
            error={until && faults.get('until')}
            onChange={(event) => void setUntil(event.target.value || null)}
          />
        </div>
        {ofDriver && (
          <div className="flex flex-col gap-1.5">
            <span aria-hidden className="font-medium text-muted text-xs">
              Rows of the CSV
            </span>
            <Segments
              label="Rows of the CSV"
              name="rows"
              value={rows}
              onChange={(value) => void setRows(value === 'days' ? null : value)}
              options={[
                { value: 'days', label: 'One a day' },
                { value: 'events', label: 'One a change of status' },
              ]}
            />
          </div>
        )}
        <div className="flex flex-wrap items-center gap-3 border-line border-t pt-5">
          <ExportButton exports={exports} report={report} missing={why} tone="primary">
            Export CSV
          </ExportButton>
          <Go why={why} href={checked.success ? `/print/${what}?${query}` : null}>
            <Printer aria-hidden className="size-4" />
            Print view
          </Go>
          <p className="text-muted text-xs" aria-live="polite">
            {why ?? plural(daysBetween(from, until), 'day', 'days')}
          </p>
        </div>
        <ExportTrouble exports={exports} />
      </div>
      <ExportList exports={exports} />
    </div>
  )
}

const daysBetween = (from: string, until: string) => (Date.parse(until) - Date.parse(from)) / 86_400_000 + 1

/** A link that looks like a button; while there is nowhere to go it says why and does nothing. */
function Go({ why, href, children }: { why: string | null; href: string | null; children: ReactNode }) {
  if (!href) {
    return <BlockedButton why={why}>{children}</BlockedButton>
  }
  return (
    <a href={href} target="_blank" rel="noreferrer" className={buttonClass()}>
      {children}
    </a>
  )
}
