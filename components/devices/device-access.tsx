'use client'
import { useMutation, useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { useState } from 'react'
import type { DeviceDetail } from '../../server/fleet/devices-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { ago, zonedDateTimeYear } from '../format.ts'
import { useNow } from '../live/live.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { TokenOnce } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Section } from '../ui/section.tsx'
import { Segments } from '../ui/segments.tsx'
import { say } from '../ui/toast.tsx'
import { clockWords } from './device-state.ts'
import { KEY_STATE, scopeWords } from './key-words.ts'
import { SettingList } from './setting-list.tsx'
import { type Doors, KIND, type Kind, kindsOf } from './settings.ts'

/** How the device proves who it is, what belongs into it, and how its right ends. */
export function DeviceAccess({
  device,
  doors,
  onChange,
}: {
  device: DeviceDetail
  doors: Doors
  onChange(): void
}) {
  const trpc = useTRPC()
  const kinds = kindsOf(device.protocol)
  const [kind, setKind] = useState<Kind>(kinds[0]!)
  const [token, setToken] = useState<string | null>(null)
  const [asking, setAsking] = useState<'renew' | 'revoke' | null>(null)
  const failed = {
    onError: (error: unknown) => say('That did not work', { detail: reasonOf(error), tone: 'danger' }),
  }
  const renew = useMutation(trpc.devices.renewToken.mutationOptions(failed))
  const revoke = useMutation(trpc.devices.revoke.mutationOptions(failed))
  const isRevoked = device.revokedAt !== null
  const onlyIdentity = device.protocol === 'teltonika'
  const act = () => {
    const done = () => {
      setAsking(null)
      onChange()
    }
    if (asking === 'renew') {
      renew.mutate(
        { id: device.id },
        {
          onSuccess: (answer) => {
            setToken(answer.token)
            done()
          },
        },
      )
    } else {
      revoke.mutate(
        { id: device.id },
        {
          onSuccess: () => {
            setToken(null)
            done()
          },
        },
      )
    }
  }
  return (
    <div className="grid gap-5 md:grid-cols-2">
      <Section title="Settings for the device">
        <div className="flex flex-col gap-3">
          {kinds.length > 1 && (
            <Segments
              label="Kind"
              name="kind"
              value={kind}
              onChange={(value) => setKind(value)}
              options={kinds.map((value) => ({ value, label: KIND[value].title }))}
            />
          )}
          {token && <TokenOnce token={token} />}
          {isRevoked ? (
            <p className="text-muted text-sm">It was revoked and may not report.</p>
          ) : (
            <SettingList kind={kind} doors={doors} device={{ ...device, token }} />
          )}
        </div>
      </Section>
      <Section title="Access">
        <div className="flex flex-col items-start gap-3">
          <p className="text-muted text-sm">
            {onlyIdentity || device.open
              ? 'It is known by its identity alone, which anybody can copy: what it says is weaker evidence and changes no record of duty.'
              : 'It proves itself with its token. A new one ends the old one within 5 seconds.'}
          </p>
          <div className="flex flex-wrap gap-2">
            {!onlyIdentity && (
              <MayButton action="devices.manage" onClick={() => setAsking('renew')}>
                {isRevoked ? 'Let it report again' : 'New token'}
              </MayButton>
            )}
            {!isRevoked && (
              <MayButton action="devices.manage" tone="danger" onClick={() => setAsking('revoke')}>
                Revoke
              </MayButton>
            )}
          </div>
          <Keys deviceId={device.id} />
          <Link
            href={`/devices/keys?q=${encodeURIComponent(device.name)}`}
            className="rounded py-0.5 text-accent text-sm hover:underline"
          >
            Enrol, prove or revoke its keys
          </Link>
        </div>
      </Section>
      <Dialog
        open={asking !== null}
        onOpenChange={(open) => !open && setAsking(null)}
        title={asking === 'renew' ? `A new token for ${device.name}?` : `Revoke ${device.name}?`}
        description={
          asking === 'renew'
            ? 'The old token ends. Until the new one is in the device, nothing of it is taken.'
            : 'Nothing of it is taken from now on. What it has reported stays, and its identity is free for another device.'
        }
      >
        <div className="flex justify-end gap-2 px-5 py-4">
          <Button onClick={() => setAsking(null)}>Cancel</Button>
          <Button
            tone={asking === 'renew' ? 'primary' : 'danger'}
            busy={renew.isPending || revoke.isPending}
            onClick={act}
          >
            {asking === 'renew' ? 'Make a new token' : 'Revoke it'}
          </Button>
        </div>
      </Dialog>
    </div>
  )
}

/** The keys that this one device signs with. */
function Keys({ deviceId }: { deviceId: number }) {
  const trpc = useTRPC()
  const now = useNow()
  const { timeZone } = useViewer().fleet
  const { data: keys, error } = useQuery(trpc.keys.list.queryOptions({ deviceId }))
  if (error) return <p className="text-danger text-sm">{reasonOf(error)}</p>
  if (!keys || keys.length === 0) return null
  return (
    <ul aria-label="Keys" className="flex w-full flex-col gap-2">
      {keys.map((key) => (
        <li key={key.id} className="rounded-lg border border-line bg-surface px-3 py-2 text-xs">
          <p className="flex flex-wrap items-center gap-2">
            <code className="break-all font-mono text-2xs">{key.fingerprint}</code>
            <Badge tone={KEY_STATE[key.state].tone}>{KEY_STATE[key.state].word}</Badge>
          </p>
          <p className="text-muted">
            {key.type}: {scopeWords(key.scopes)}
          </p>
          <p className="text-muted tabular-nums">
            {key.lastUsedAt === null
              ? 'Never used'
              : `Used ${now > 0 ? ago(Math.max(0, now - key.lastUsedAt)) : ''}`}
            {key.expiresAt !== null && `, expires ${zonedDateTimeYear(key.expiresAt, timeZone)}`}
            {key.clockOffsetMs !== null && `, its clock ${clockWords(key.clockOffsetMs)}`}
          </p>
        </li>
      ))}
    </ul>
  )
}
