import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { PrintedDays } from '../../../../components/reports/printed-days.tsx'
import { CannotPrint } from '../../../../components/reports/sheet.tsx'
import { AppError } from '../../../../server/errors.ts'
import { loadDays } from '../../../../server/logs/day.ts'
import { DriverDaysRequest } from '../../../../server/reports/schema.ts'
import { inFleet } from '../../../in-fleet.ts'
import { tellExport } from '../../../tell-export.ts'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Driver’s days' }

export default async function DriverDays({
  searchParams,
}: {
  searchParams: Promise<Record<string, unknown>>
}) {
  const person = await signedIn('/print/driver-days')
  const asked = DriverDaysRequest.safeParse(await searchParams)
  if (!asked.success) {
    const [issue] = asked.error.issues
    return <CannotPrint reason={`${issue!.path.join('.')}: ${issue!.message}`} />
  }
  const { driver, from, until } = asked.data
  const madeAt = Date.now()
  const told = await headers()
  try {
    const days = await inFleet(person, async (tx) => {
      const found = await loadDays(tx, person.fleetId, driver, from, until, madeAt)
      await tellExport(tx, person, told, { report: 'driver-days on paper', asked: asked.data })
      return found
    })
    if (days.length === 0) return <CannotPrint reason="None of these days has begun." />
    return <PrintedDays days={days} madeAt={madeAt} madeBy={person.name} />
  } catch (error) {
    if (error instanceof AppError) return <CannotPrint reason={error.message} />
    throw error
  }
}
