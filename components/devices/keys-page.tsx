'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowLeft, KeyRound, Plus, WifiOff } from 'lucide-react'
import Link from 'next/link'
import { useDeferredValue, useState } from 'react'
import { type EnrolledKey, MOST_KEYS } from '../../server/auth/device-keys/schema.ts'
import { reasonOf, useReason, useTRPC } from '../api.tsx'
import { plural } from '../format.ts'
import { MayButton } from '../shell/may-button.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { KeyForm } from './key-form.tsx'
import { KeyProof } from './key-proof.tsx'
import { KeyRevoke } from './key-revoke.tsx'
import { KeyRow } from './key-row.tsx'
import { ListFilter, NoMatch, useFilter } from './list-filter.tsx'

const LOOK_EVERY_MS = 5_000
const SHOW = ['all', 'pending', 'active', 'care', 'ended'] as const
const SHOW_TITLE: Record<(typeof SHOW)[number], string> = {
  all: 'All',
  pending: 'Waiting',
  active: 'Proven',
  care: 'Ending or unused',
  ended: 'Ended',
}

const isShown = (show: (typeof SHOW)[number], { state, expiresSoon, isUnused }: EnrolledKey) =>
  show === 'all' ||
  show === state ||
  (show === 'care' && (expiresSoon || isUnused)) ||
  (show === 'ended' && (state === 'revoked' || state === 'expired'))

type Doing = { what: 'enrol' } | { what: 'prove' | 'revoke'; key: EnrolledKey }

/** The keys that devices sign with: enrolled, proven and revoked here. */
export function KeysPage() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  const filter = useFilter(SHOW)
  const { query, show } = filter
  const search = useDeferredValue(query).slice(0, 100)
  const list = useQuery(
    trpc.keys.list.queryOptions(search.trim() === '' ? {} : { search }, {
      refetchInterval: LOOK_EVERY_MS,
      placeholderData: (before) => before,
    }),
  )
  const { data, refetch } = list
  const error = useReason(list)
  const [doing, setDoing] = useState<Doing | null>(null)
  const changed = () => void queries.invalidateQueries({ queryKey: trpc.keys.list.pathKey() })
  const close = () => setDoing(null)
  const counts = data
    ? Object.fromEntries(SHOW.map((which) => [which, data.filter((key) => isShown(which, key)).length]))
    : {}
  const rows = data?.filter((key) => isShown(show, key))
  return (
    <div className="mx-auto flex w-full max-w-5xl flex-col gap-4 p-4 md:p-6">
      <Link
        href="/devices"
        className="inline-flex items-center gap-1 self-start rounded py-0.5 text-accent text-sm hover:underline"
      >
        <ArrowLeft aria-hidden className="size-4" />
        Devices
      </Link>
      <div className="flex flex-wrap items-center gap-2">
        <h1 className="flex-1 text-xl">Device keys</h1>
        <MayButton action="keys.manage" tone="primary" onClick={() => setDoing({ what: 'enrol' })}>
          <Plus aria-hidden className="size-4" />
          Enrol a key
        </MayButton>
      </div>
      <p className="max-w-prose text-muted text-sm">
        A device that signs with its own SSH key can’t be copied from the wire. Only the public half is kept
        here.
      </p>
      <ListFilter
        filter={filter}
        what="keys"
        placeholder="Fingerprint, comment, device"
        titles={SHOW_TITLE}
        counts={counts}
      >
        {rows && plural(rows.length, 'key', 'keys')}
        {data?.length === MOST_KEYS && `: the newest ${MOST_KEYS.toLocaleString('en-US')}, search for others`}
      </ListFilter>
      {error && data && (
        <p role="status" className="flex items-center gap-2 text-warning text-xs">
          <WifiOff aria-hidden className="size-3.5" />
          No connection: what follows was so when it was lost.
        </p>
      )}
      {!rows ? (
        error ? (
          <Notice
            alert
            icon={WifiOff}
            title="The keys can’t be read"
            action={<Button onClick={() => void refetch()}>Try again</Button>}
          >
            {reasonOf(error)}
          </Notice>
        ) : (
          <div role="status">
            <span className="sr-only">Loading the keys…</span>
            <Skeleton className="h-40 rounded-lg" />
          </div>
        )
      ) : rows.length > 0 ? (
        <ul
          aria-label="Keys"
          className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface"
        >
          {rows.map((key) => (
            <KeyRow
              key={key.id}
              row={key}
              onProve={() => setDoing({ what: 'prove', key })}
              onRevoke={() => setDoing({ what: 'revoke', key })}
            />
          ))}
        </ul>
      ) : query || show !== 'all' ? (
        <NoMatch title="No key matches" filter={filter} />
      ) : (
        <Notice icon={KeyRound} title="No device signs yet">
          Make a key on the device with “ssh-keygen -t ed25519”, and paste the line of its .pub file here.
        </Notice>
      )}
      <Dialog
        open={doing?.what === 'enrol'}
        onOpenChange={(open) => !open && close()}
        title="Enrol a key"
        className="w-[38rem]"
      >
        {doing?.what === 'enrol' && (
          <KeyForm
            onClose={close}
            onEnrolled={(key) => {
              changed()
              setDoing({ what: 'prove', key })
            }}
          />
        )}
      </Dialog>
      <Dialog
        open={doing?.what === 'prove'}
        onOpenChange={(open) => !open && close()}
        title="Prove the key"
        description={doing?.what === 'prove' && <Fingerprint of={doing.key} />}
        className="w-[42rem]"
      >
        {doing?.what === 'prove' && <KeyProof row={doing.key} onChanged={changed} onClose={close} />}
      </Dialog>
      <Dialog
        open={doing?.what === 'revoke'}
        onOpenChange={(open) => !open && close()}
        title="Revoke this key?"
        description={doing?.what === 'revoke' && <Fingerprint of={doing.key} />}
      >
        {doing?.what === 'revoke' && <KeyRevoke row={doing.key} onChanged={changed} onClose={close} />}
      </Dialog>
    </div>
  )
}

const Fingerprint = ({ of }: { of: EnrolledKey }) => (
  <span className="break-all">
    <code className="font-mono text-xs">{of.fingerprint}</code> {of.comment}
  </span>
)
