'use client'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DeliveryRow, WebhookRow } from '../../server/webhooks/schema.ts'
import { reasonOf, useReason, useTRPC } from '../api.tsx'
import { zonedDateTime } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { TokenOnce } from '../ui/copy.tsx'
import { TestSteps } from '../ui/test-steps.tsx'
import { say } from '../ui/toast.tsx'

/** A webhook at work: its test, its secret, what it was told. */
export function WebhookPanel({
  row,
  onChanged,
  onClose,
}: {
  row: WebhookRow
  onChanged(): void
  onClose(): void
}) {
  const trpc = useTRPC()
  const { fleet } = useViewer()
  const [sure, setSure] = useState(false)
  const failed = {
    onError: (failure: unknown) =>
      say('That did not work', { detail: reasonOf(failure), tone: 'danger' as const }),
  }
  const test = useMutation(trpc.webhooks.test.mutationOptions())
  const rotate = useMutation(trpc.webhooks.rotateSecret.mutationOptions({ ...failed, onSuccess: onChanged }))
  const remove = useMutation(
    trpc.webhooks.remove.mutationOptions({
      ...failed,
      onSuccess: () => {
        onChanged()
        onClose()
      },
    }),
  )
  return (
    <div className="flex min-h-0 flex-col gap-4 overflow-auto p-5">
      <div className="flex flex-wrap gap-2">
        <Button tone="primary" busy={test.isPending} onClick={() => test.mutate({ id: row.id })}>
          Send a test
        </Button>
        <Button busy={rotate.isPending} onClick={() => rotate.mutate({ id: row.id })}>
          Change the secret
        </Button>
        {sure ? (
          <Button tone="danger" busy={remove.isPending} onClick={() => remove.mutate({ id: row.id })}>
            Remove it and what waits for it
          </Button>
        ) : (
          <Button tone="danger" onClick={() => setSure(true)}>
            Remove
          </Button>
        )}
      </div>
      <div aria-live="polite" className="flex flex-col gap-3 empty:hidden">
        {test.error && <p className="text-danger text-sm">{reasonOf(test.error)}</p>}
        {test.data && <TestSteps steps={test.data} />}
        {rotate.data && <TokenOnce token={rotate.data.secret} what="secret" />}
        {row.previousUntil !== null && (
          <p className="text-muted text-xs">
            The secret before is good until {zonedDateTime(row.previousUntil, fleet.timeZone)}; deliveries are
            signed with both.
          </p>
        )}
      </div>
      <Deliveries id={row.id} onChanged={onChanged} />
    </div>
  )
}

const STATE = {
  waiting: ['warning', 'Waiting'],
  delivered: ['good', 'Delivered'],
  'given-up': ['danger', 'Given up'],
} as const
const EVENT: Record<string, string> = { 'alert.opened': 'Alert opened', 'alert.resolved': 'Alert resolved' }

/** A delivery that waits arrives while one looks. */
const REFRESH_MS = 5_000

function Deliveries({ id, onChanged }: { id: number; onChanged(): void }) {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const list = useInfiniteQuery(
    trpc.webhooks.deliveries.infiniteQueryOptions(
      { id },
      {
        initialCursor: null,
        refetchInterval: REFRESH_MS,
        getNextPageParam: ({ rows, more }) => (more ? rows.at(-1)?.id : undefined),
      },
    ),
  )
  const reason = useReason(list)
  const again = useMutation(
    trpc.webhooks.sendAgain.mutationOptions({
      onSuccess: () => {
        void queries.invalidateQueries({ queryKey: trpc.webhooks.deliveries.pathKey() })
        onChanged()
      },
      onError: (failure) => say('That did not work', { detail: reasonOf(failure), tone: 'danger' }),
    }),
  )
  const rows = list.data?.pages.flatMap((page) => page.rows) ?? []
  return (
    <section aria-label="Deliveries" className="flex flex-col gap-2">
      <h2 className="font-semibold text-sm">Deliveries</h2>
      {reason ? (
        <p role="alert" className="text-danger text-sm">
          {reasonOf(reason)}
        </p>
      ) : list.isPending ? (
        <p role="status" className="text-faint text-sm">
          Loading…
        </p>
      ) : rows.length === 0 ? (
        <p className="text-muted text-sm">
          Nothing yet. The next alert of a kind that it asks for comes here.
        </p>
      ) : (
        <ul className="flex flex-col divide-y divide-line rounded-md border border-line">
          {rows.map((row) => (
            <Delivery
              key={row.id}
              row={row}
              busy={again.isPending && again.variables?.id === row.id}
              onAgain={() => again.mutate({ id: row.id })}
            />
          ))}
        </ul>
      )}
      {list.hasNextPage && (
        <Button
          size="small"
          className="self-center"
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Older
        </Button>
      )}
    </section>
  )
}

function Delivery({ row, busy, onAgain }: { row: DeliveryRow; busy: boolean; onAgain(): void }) {
  const { fleet } = useViewer()
  const [tone, word] = STATE[row.state]
  return (
    <li className="flex items-center gap-3 px-3 py-2">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          {EVENT[row.event] ?? row.event}
          <Badge tone={tone}>{word}</Badge>
          <span className="text-faint text-xs tabular-nums">
            {zonedDateTime(row.createdAt, fleet.timeZone)}
            {row.attempts > 1 && ` · ${row.attempts} tries`}
          </span>
        </p>
        {row.problem && (
          <p className="text-danger text-xs">
            {row.problem}
            {row.state === 'waiting' && ` Next try ${zonedDateTime(row.dueAt, fleet.timeZone)}.`}
          </p>
        )}
      </div>
      {(row.state !== 'waiting' || row.problem) && (
        <Button
          size="small"
          busy={busy}
          aria-label={`Send again: ${EVENT[row.event] ?? row.event}, ${zonedDateTime(row.createdAt, fleet.timeZone)}`}
          onClick={onAgain}
        >
          Send again
        </Button>
      )}
    </li>
  )
}
