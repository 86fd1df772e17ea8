import type pg from 'pg'
import { deviceProcedure, router } from '../trpc.ts'
import { takeProcedure } from './report.ts'
import type { Heartbeat, Receipt } from './schema.ts'

export const heartbeatRouter = router({
  /** What `POST /v1/heartbeats` takes and answers; the bad ones of an array are refused in the receipt, one by one. */
  report: deviceProcedure
    .input((value: unknown) => value as Heartbeat | Heartbeat[])
    .mutation(({ ctx, input }): Promise<Receipt> => {
      const from = { address: ctx.source?.address ?? '', receivedAt: ctx.now }
      return takeProcedure(ctx.db as pg.Pool, ctx.device, input, from)
    }),
})
