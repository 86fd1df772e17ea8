import { deedOf, recordAudit } from '../audit/record.ts'
import { notifyFleet } from '../fleet/changes.ts'
import { ById } from '../fleet/schema.ts'
import { may, router } from '../trpc.ts'
import { askForExport, listExports, removeExport } from './exports.ts'
import { AskForExport } from './schema.ts'

/** Reports as files, a person's own; the file itself is at /api/exports/[id]. */
export const exportsRouter = router({
  ask: may('reports.export')
    .input(AskForExport)
    .mutation(async ({ ctx, input: { report } }) => {
      const row = await askForExport(ctx.db, ctx.person, report, ctx.now)
      // The worker begins at once.
      await notifyFleet(ctx.db, ctx.person.fleetId)
      await recordAudit(ctx.db, {
        ...deedOf(ctx),
        action: 'export.asked',
        object: { kind: 'export', id: row.id },
        after: { name: row.fileName, report },
      })
      return row
    }),
  list: may('reports.export').query(({ ctx }) => listExports(ctx.db, ctx.person, ctx.now)),
  remove: may('reports.export')
    .input(ById)
    .mutation(async ({ ctx, input: { id } }) => {
      const { fileName } = await removeExport(ctx.db, ctx.person, id)
      await recordAudit(ctx.db, {
        ...deedOf(ctx),
        action: 'export.removed',
        object: { kind: 'export', id },
        before: { name: fileName },
      })
    }),
})
