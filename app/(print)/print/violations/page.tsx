import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { PrintedViolations } from '../../../../components/reports/printed-violations.tsx'
import { CannotPrint } from '../../../../components/reports/sheet.tsx'
import { getFleet } from '../../../../server/fleet/fleets.ts'
import { ViolationsRequest } from '../../../../server/reports/schema.ts'
import { fleetViolations } from '../../../../server/reports/violations.ts'
import { inFleet } from '../../../in-fleet.ts'
import { tellExport } from '../../../tell-export.ts'
import { signedIn } from '../../../viewer.ts'

export const metadata: Metadata = { title: 'Violations' }

export default async function Violations({
  searchParams,
}: {
  searchParams: Promise<Record<string, unknown>>
}) {
  const person = await signedIn('/print/violations')
  const asked = ViolationsRequest.safeParse(await searchParams)
  if (!asked.success) {
    const [issue] = asked.error.issues
    return <CannotPrint reason={`${issue!.path.join('.')}: ${issue!.message}`} />
  }
  const { from, until } = asked.data
  const madeAt = Date.now()
  const told = await headers()
  const [fleet, found] = await inFleet(person, async (tx) => [
    await getFleet(tx, person.fleetId),
    await fleetViolations(tx, person.fleetId, from, until, madeAt),
    await tellExport(tx, person, told, { report: 'violations on paper', asked: asked.data }),
  ])
  const { name, usdotNumber, mainOffice, timeZone } = fleet
  return (
    <PrintedViolations
      found={found}
      carrier={{ name, usdotNumber, mainOffice, timeZone }}
      from={from}
      until={until}
      madeAt={madeAt}
      madeBy={person.name}
    />
  )
}
