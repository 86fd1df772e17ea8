import { deedOf, recordAudit } from '../audit/record.ts'
import type { Db } from '../db/pool.ts'
import { env } from '../env.ts'
import { Reach, readUrl } from '../reach.ts'
import { type Context, may, mayAcross, router } from '../trpc.ts'
import {
  listDeliveries,
  listWebhooks,
  removeWebhook,
  rotateSecret,
  saveWebhook,
  sendAgain,
  testWebhook,
} from './endpoints.ts'
import { ListDeliveries, SaveWebhook, WebhookById } from './schema.ts'

const reach = () => new Reach(env().WEBHOOK_NETWORKS)

/** For the audit log, which keeps no secrets: what stands behind a question mark may be one. */
const recordable = <T extends { url: string }>(webhook: T): T => ({
  ...webhook,
  url: webhook.url.replace(/\?.*/s, '?[withheld]'),
})

type Told = Omit<Context, 'db'>
const tell = (
  tx: Db,
  ctx: Told,
  action: string,
  id: number,
  change: { before?: unknown; after?: unknown } = {},
) => recordAudit(tx, { ...deedOf(ctx), action, object: { kind: 'webhook', id }, ...change })

/** Where a fleet's own systems are told of its alerts. */
export const webhooksRouter = router({
  list: may('webhooks.manage').query(({ ctx }) => listWebhooks(ctx.db, ctx.person.fleetId, ctx.now)),
  save: mayAcross('webhooks.manage')
    .input(SaveWebhook)
    .mutation(async ({ ctx, input }) => {
      // A name server lets us wait: not inside a transaction.
      const url = readUrl(input.url)
      await reach().addressesOf(url)
      return await ctx.inFleet(async (tx) => {
        const { id: _, ...wanted } = { ...input, url: url.href }
        const { id, secret, before } = await saveWebhook(tx, ctx.person.fleetId, ctx.person.name, {
          ...wanted,
          id: input.id,
        })
        await tell(tx, ctx, before ? 'webhook.changed' : 'webhook.added', id, {
          before: before && recordable(before),
          after: recordable(wanted),
        })
        return { id, secret }
      })
    }),
  rotateSecret: may('webhooks.manage')
    .input(WebhookById)
    .mutation(async ({ ctx, input: { id } }) => {
      const secret = await rotateSecret(ctx.db, ctx.person.fleetId, id, ctx.now)
      await tell(ctx.db, ctx, 'webhook.secret-changed', id)
      return { secret }
    }),
  remove: may('webhooks.manage')
    .input(WebhookById)
    .mutation(async ({ ctx, input: { id } }) => {
      const before = await removeWebhook(ctx.db, ctx.person.fleetId, id)
      await tell(ctx.db, ctx, 'webhook.removed', id, { before: recordable(before) })
    }),
  test: mayAcross('webhooks.manage')
    .input(WebhookById)
    .mutation(async ({ ctx, input: { id } }) => {
      const steps = await testWebhook(ctx.db, ctx.person.fleetId, id, reach(), ctx.now)
      const after = { delivered: steps.every(({ ok }) => ok) }
      await ctx.inFleet((tx) => tell(tx, ctx, 'webhook.tested', id, { after }))
      return steps
    }),
  deliveries: may('webhooks.manage')
    .input(ListDeliveries)
    .query(({ ctx, input: { id, cursor } }) =>
      listDeliveries(ctx.db, ctx.person.fleetId, id, cursor ?? null),
    ),
  sendAgain: may('webhooks.manage')
    .input(WebhookById)
    .mutation(async ({ ctx, input: { id } }) => {
      await sendAgain(ctx.db, ctx.person.fleetId, id, ctx.now)
      await recordAudit(ctx.db, {
        ...deedOf(ctx),
        action: 'webhook.sent-again',
        object: { kind: 'webhook-delivery', id },
      })
    }),
})
