import type pg from 'pg'
import type { Person } from '../auth/principal.ts'
import { withTransaction } from '../db/pool.ts'
import { notifyFleet } from '../fleet/changes.ts'
import type { Instant } from '../time/instant.ts'
import { may, router } from '../trpc.ts'
import { AlertById, type AlertRow, ListAlerts } from './schema.ts'
import { acknowledgeAlert, countAlerts, getAlert, listAlerts, resolveAlert } from './store.ts'

async function change(
  ctx: { db: pg.Pool; person: Person; now: Instant },
  id: number,
  apply: typeof acknowledgeAlert,
): Promise<AlertRow> {
  const { fleetId, name } = ctx.person
  return await withTransaction(ctx.db, async (tx) => {
    if (await apply(tx, fleetId, id, name, ctx.now)) await notifyFleet(tx, fleetId)
    return await getAlert(tx, fleetId, id)
  })
}

export const alertsRouter = router({
  list: may('alerts.see')
    .input(ListAlerts)
    .query(async ({ ctx, input }) => ({
      alerts: await listAlerts(ctx.db, ctx.person.fleetId, input),
      counts: await countAlerts(ctx.db, ctx.person.fleetId),
    })),
  acknowledge: may('alerts.settle')
    .input(AlertById)
    .mutation(({ ctx, input }) => change(ctx, input.id, acknowledgeAlert)),
  resolve: may('alerts.settle')
    .input(AlertById)
    .mutation(({ ctx, input }) => change(ctx, input.id, resolveAlert)),
})
