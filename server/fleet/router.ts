import { may, router } from '../trpc.ts'
import { me } from './fleets.ts'
import { ById } from './schema.ts'
import { getVehicle, listVehicles } from './vehicles.ts'

export const fleetRouter = router({
  me: may('account.own').query(({ ctx }) => me(ctx.db, ctx.person)),
  vehicles: may('fleet.see').query(({ ctx }) => listVehicles(ctx.db, ctx.person.fleetId, ctx.now)),
  vehicle: may('fleet.see')
    .input(ById)
    .query(({ ctx, input }) => getVehicle(ctx.db, ctx.person.fleetId, input.id, ctx.now)),
})
