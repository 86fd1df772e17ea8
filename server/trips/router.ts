import { may, router } from '../trpc.ts'
import { loadTrack, loadVehicleDay } from './day.ts'
import { loadFleetMonth } from './month.ts'
import { DayOfVehicle, MonthOfFleet, TrackOfVehicle } from './schema.ts'

export const tripsRouter = router({
  day: may('fleet.see')
    .input(DayOfVehicle)
    .query(({ ctx, input }) =>
      loadVehicleDay(ctx.db, ctx.person.fleetId, input.vehicleId, input.date, ctx.now),
    ),
  month: may('fleet.see')
    .input(MonthOfFleet)
    .query(({ ctx, input }) => loadFleetMonth(ctx.db, ctx.person.fleetId, input.month)),
  track: may('fleet.see')
    .input(TrackOfVehicle)
    .query(({ ctx, input }) =>
      loadTrack(ctx.db, ctx.person.fleetId, input.vehicleId, input.from, input.until),
    ),
})
