import { tracked } from '@trpc/server'
import { deedOf } from '../audit/record.ts'
import { withTransaction } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { may, mayAcross, router, trpcErrorOf } from '../trpc.ts'
import { watchOf } from './device-watch.ts'
import {
  endDevice,
  enrolDevice,
  getDevice,
  getSignal,
  giveToken,
  listDevices,
  listUnknown,
} from './devices.ts'
import { EnrolInput, ListInput, UnknownInput, WatchInput } from './devices-schema.ts'
import { isStillIn } from './live.ts'
import { ById } from './schema.ts'

/** A watch lives on: it reads the clock itself, where a procedure is told the time once. */
const clock = () => Date.now()

export const devicesRouter = router({
  list: may('devices.see')
    .input(ListInput)
    .query(({ ctx, input }) => listDevices(ctx.db, ctx.person.fleetId, input.since, ctx.now)),
  get: may('devices.see')
    .input(ById)
    .query(({ ctx, input }) => getDevice(ctx.db, ctx.person.fleetId, input.id)),
  signal: may('devices.see')
    .input(ById)
    .query(({ ctx, input }) => getSignal(ctx.db, ctx.person.fleetId, input.id, ctx.now)),
  // An identity that knocks belongs to no fleet: listUnknown says whom a fleet may see.
  unknown: mayAcross('devices.see')
    .input(UnknownInput)
    .query(({ ctx, input }) => listUnknown(ctx.db, ctx.person.fleetId, input.identity, ctx.now)),
  enrol: mayAcross('devices.manage')
    .input(EnrolInput)
    .mutation(({ ctx, input }) => withTransaction(ctx.db, (tx) => enrolDevice(tx, deedOf(ctx), input))),
  renewToken: may('devices.manage')
    .input(ById)
    .mutation(({ ctx, input }) => giveToken(ctx.db, deedOf(ctx), input.id)),
  revoke: may('devices.manage')
    .input(ById)
    .mutation(({ ctx, input }) => endDevice(ctx.db, deedOf(ctx), input.id)),
  /** null once it listens, the messages of the device that are kept, then each as it comes. */
  watch: mayAcross('devices.see')
    .input(WatchInput)
    .subscription(async function* ({ ctx, input, signal }) {
      const { person, db } = ctx
      const after = Number(input.lastEventId) || 0
      const messages = watchOf(db).watch({
        fleetId: person.fleetId,
        deviceId: input.id,
        after,
        signal,
        isAllowed: () => isStillIn(db, person, clock()),
      })
      try {
        for await (const message of messages) yield tracked(String(message?.id ?? after), message)
      } catch (error) {
        // What is thrown while a stream is read passes no middleware.
        throw error instanceof AppError ? trpcErrorOf(error) : error
      }
    }),
})
