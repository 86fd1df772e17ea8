import { may, router } from '../trpc.ts'
import { ListAudit } from './schema.ts'
import { listAudit } from './search.ts'

export const auditRouter = router({
  list: may('audit.see')
    .input(ListAudit)
    .query(({ ctx, input }) => listAudit(ctx.db, ctx.person.fleetId, input)),
})
