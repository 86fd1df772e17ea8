import { personProcedure, router } from '../trpc.ts'
import { me } from './fleets.ts'
import { ById } from './schema.ts'
import { getVehicle, listVehicles } from './vehicles.ts'

export const fleetRouter = router({
  me: personProcedure.query(({ ctx }) => me(ctx.db, ctx.person)),
  vehicles: personProcedure.query(({ ctx }) => listVehicles(ctx.db, ctx.person.fleetId, ctx.now)),
  vehicle: personProcedure
    .input(ById)
    .query(({ ctx, input }) => getVehicle(ctx.db, ctx.person.fleetId, input.id, ctx.now)),
})
