import { z } from 'zod'
import { type AuditEntry, deedOf, recordAudit } from '../audit/record.ts'
import type { Person } from '../auth/principal.ts'
import { withFleet } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { notifyFleet } from '../fleet/changes.ts'
import type { DutyStatus } from '../hos/types.ts'
import { type Context, may, router, signedDeviceProcedure } from '../trpc.ts'
import { findDriverRow, listDriverRows } from './board.ts'
import { loadAdvice, loadDay } from './day.ts'
import { DayOfDriver, type DriverRow, SetStatus } from './schema.ts'
import { driverOf, recordStatus, vehicleOf } from './status.ts'

const NO_DRIVER = () => new AppError('not-found', 'There is no such driver in this fleet.', 'driverId')
/** What a device says for the driver whom its vehicle has. */
const ReportStatus = SetStatus.omit({ driverId: true }).partial({ annotation: true })

/** A driver's own log is theirs; others of their fleet are, for them, no drivers. */
function theirs(person: Person, driverId: number): void {
  if (person.role === 'driver' && person.driverId !== driverId) throw NO_DRIVER()
}

/** What the audit log keeps of a status that was set. */
function statusDeed(
  ctx: Pick<Context, 'principal' | 'now' | 'source'>,
  driverId: number,
  before: DutyStatus | undefined,
  { status, at = ctx.now, annotation = '' }: z.infer<typeof ReportStatus>,
): AuditEntry {
  return {
    ...deedOf(ctx),
    action: 'duty-status.set',
    object: { kind: 'driver', id: driverId },
    before: before && { status: before },
    after: { status, at: new Date(at), annotation },
  }
}

export const logsRouter = router({
  drivers: may('hours.see').query(({ ctx }) => listDriverRows(ctx.db, ctx.person.fleetId)),
  day: may('hours.see-one')
    .input(DayOfDriver)
    .query(({ ctx, input }) => {
      theirs(ctx.person, input.driverId)
      return loadDay(ctx.db, ctx.person.fleetId, input.driverId, input.date, ctx.now)
    }),
  advice: may('hours.see-one')
    .input(DayOfDriver.pick({ driverId: true }))
    .query(({ ctx, input }) => {
      theirs(ctx.person, input.driverId)
      return loadAdvice(ctx.db, ctx.person.fleetId, input.driverId, ctx.now)
    }),
  setStatus: may('duty.set')
    .input(SetStatus)
    .mutation(async ({ ctx, input }): Promise<DriverRow> => {
      const { fleetId, name } = ctx.person
      const { driverId, status, at = ctx.now, annotation } = input
      const before = await findDriverRow(ctx.db, fleetId, driverId)
      if (!before) throw NO_DRIVER()
      const vehicleId = await vehicleOf(ctx.db, { fleetId, driverId }, at)
      const origin = 'dispatcher'
      const isNew = await recordStatus(
        ctx.db,
        { fleetId, driverId, status, at, origin, vehicleId, annotation, recordedBy: name },
        ctx.now,
      )
      await notifyFleet(ctx.db, fleetId)
      const row = (await findDriverRow(ctx.db, fleetId, driverId))!
      if (isNew) await recordAudit(ctx.db, statusDeed(ctx, driverId, before.status, input))
      return row
    }),
  reportStatus: signedDeviceProcedure
    .input(ReportStatus)
    .output(z.object({ driverId: z.number() }))
    .mutation(async ({ ctx, input }) => {
      const { fleetId, vehicleId } = ctx.device
      const { status, at = ctx.now, annotation = '' } = input
      return await withFleet(ctx.db, fleetId, async (tx) => {
        const driverId = await driverOf(tx, fleetId, vehicleId, at)
        if (driverId === null)
          throw new AppError('conflict', 'No driver was assigned to this vehicle then.', 'at')
        const origin = 'driver'
        const before = await findDriverRow(tx, fleetId, driverId)
        const isNew = await recordStatus(
          tx,
          { fleetId, driverId, status, at, origin, vehicleId, annotation, recordedBy: null },
          ctx.now,
        )
        await notifyFleet(tx, fleetId)
        if (isNew) await recordAudit(tx, statusDeed(ctx, driverId, before?.status, input))
        return { driverId }
      })
    }),
})
