import { deedOf, recordAudit } from '../audit/record.ts'
import { notifyFleet } from '../fleet/changes.ts'
import { may, type PersonContext, router } from '../trpc.ts'
import { AlertById, type AlertRow, ListAlerts } from './schema.ts'
import { acknowledgeAlert, countAlerts, getAlert, listAlerts, resolveAlert } from './store.ts'

async function change(
  ctx: PersonContext,
  id: number,
  apply: typeof acknowledgeAlert,
  action: string,
): Promise<AlertRow> {
  const { fleetId, name } = ctx.person
  const { state: was } = await getAlert(ctx.db, fleetId, id)
  const changed = await apply(ctx.db, fleetId, id, name, ctx.now)
  const alert = await getAlert(ctx.db, fleetId, id)
  if (changed) {
    await notifyFleet(ctx.db, fleetId)
    const { state, title } = alert
    await recordAudit(ctx.db, {
      ...deedOf(ctx),
      action,
      object: { kind: 'alert', id },
      before: { state: was },
      after: { state, title },
    })
  }
  return alert
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
    .mutation(({ ctx, input }) => change(ctx, input.id, acknowledgeAlert, 'alert.acknowledged')),
  resolve: may('alerts.settle')
    .input(AlertById)
    .mutation(({ ctx, input }) => change(ctx, input.id, resolveAlert, 'alert.resolved')),
})
