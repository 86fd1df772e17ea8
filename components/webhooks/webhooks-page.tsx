'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Webhook } from 'lucide-react'
import { parseAsInteger, useQueryState } from 'nuqs'
import { useState } from 'react'
import { KIND_NAME, type WebhookRow } from '../../server/webhooks/schema.ts'
import { reasonOf, useReason, useTRPC } from '../api.tsx'
import { zonedDateTime } from '../format.ts'
import { SettingsTabs } from '../people/settings-tabs.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { WebhookForm } from './webhook-form.tsx'
import { WebhookPanel } from './webhook-panel.tsx'

/** What waits and what went changes while one looks. */
const REFRESH_MS = 15_000

/** Where a fleet's own systems are told of its alerts. */
export function WebhooksPage() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const list = useQuery(trpc.webhooks.list.queryOptions(undefined, { refetchInterval: REFRESH_MS }))
  const { data, refetch } = list
  const error = useReason(list)
  const [editing, setEditing] = useState<WebhookRow | 'new' | null>(null)
  const [openId, setOpenId] = useQueryState('webhook', parseAsInteger)
  const opened = data?.find(({ id }) => id === openId)
  const changed = () => void queries.invalidateQueries({ queryKey: trpc.webhooks.list.queryKey() })
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-4 p-4 md:p-6">
      <SettingsTabs current="/settings/webhooks" />
      <div className="flex flex-wrap items-center gap-2">
        <h1 className="flex-1 text-xl">Webhooks</h1>
        <Button tone="primary" onClick={() => setEditing('new')}>
          Add a webhook
        </Button>
      </div>
      <p className="max-w-prose text-muted text-sm">
        Your own system is told of alerts as they open and are resolved, each at least once, and signed:{' '}
        <a href="/webhook-verifier.mjs" download className="text-accent underline">
          a receiver’s check to copy
        </a>
        .
      </p>
      {error ? (
        <Notice
          alert
          title="The webhooks can’t be read"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : !data ? (
        <div role="status">
          <span className="sr-only">Loading the webhooks…</span>
          <Skeleton className="h-20 rounded-lg" />
        </div>
      ) : data.length === 0 ? (
        <Notice icon={Webhook} title="No system is told yet">
          Add the address of your transport management system, test it, and it hears of limits and silent
          trucks the second that they show here.
        </Notice>
      ) : (
        <ul
          aria-label="Webhooks"
          className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface"
        >
          {data.map((row) => (
            <Row
              key={row.id}
              row={row}
              onOpen={() => void setOpenId(row.id)}
              onEdit={() => setEditing(row)}
            />
          ))}
        </ul>
      )}
      <Dialog
        open={editing !== null}
        onOpenChange={(open) => !open && setEditing(null)}
        title={editing === 'new' ? 'A new webhook' : 'Webhook'}
        className="w-[36rem]"
      >
        {editing && (
          <WebhookForm
            stored={editing === 'new' ? null : editing}
            onChanged={changed}
            onClose={() => setEditing(null)}
          />
        )}
      </Dialog>
      <Dialog
        open={opened !== undefined}
        onOpenChange={(open) => !open && void setOpenId(null)}
        title={opened?.name ?? ''}
        description={opened?.url}
        className="w-[44rem]"
      >
        {opened && <WebhookPanel row={opened} onChanged={changed} onClose={() => void setOpenId(null)} />}
      </Dialog>
    </div>
  )
}

function Row({ row, onOpen, onEdit }: { row: WebhookRow; onOpen(): void; onEdit(): void }) {
  const { fleet } = useViewer()
  return (
    <li className="flex items-center gap-3 p-3 max-md:flex-col max-md:items-stretch md:px-4">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2 font-medium text-sm">
          {row.name}
          {!row.enabled ? (
            <Badge tone="warning">Off</Badge>
          ) : row.problem ? (
            <Badge tone="danger">Failing</Badge>
          ) : row.lastDeliveredAt !== null ? (
            <Badge tone="good">Delivering</Badge>
          ) : (
            <Badge>Nothing sent yet</Badge>
          )}
          {row.waiting > 0 && <Badge tone="warning">{row.waiting} waiting</Badge>}
        </p>
        <p className="truncate text-muted text-xs" title={row.url}>
          {row.url}
        </p>
        <p className="text-faint text-xs">
          {row.kinds.map((kind) => KIND_NAME[kind]).join(' · ')}
          {row.lastDeliveredAt !== null && ` · last on ${zonedDateTime(row.lastDeliveredAt, fleet.timeZone)}`}
        </p>
        {row.problem && <p className="text-danger text-xs">{row.problem}</p>}
      </div>
      <div className="flex gap-2">
        <Button size="small" aria-label={`Deliveries of ${row.name}`} onClick={onOpen}>
          Test and deliveries
        </Button>
        <Button size="small" aria-label={`Change ${row.name}`} onClick={onEdit}>
          Change
        </Button>
      </div>
    </li>
  )
}
