import { mayAcross, router } from '../trpc.ts'
import { ListAudit } from './schema.ts'
import { listAudit } from './search.ts'

export const auditRouter = router({
  list: mayAcross('audit.see')
    .input(ListAudit)
    .query(({ ctx, input }) => ctx.inFleet((tx) => listAudit(tx, ctx.person.fleetId, input, ctx.db))),
})
