'use client'
import type { EnrolledKey } from '../../server/auth/device-keys/schema.ts'
import { ago, zonedDateTimeYear } from '../format.ts'
import { useLiveValue, useSlowNow } from '../live/live.tsx'
import { MayButton } from '../shell/may-button.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { clockWords } from './device-state.ts'
import { KEY_STATE, reachWords, scopeWords } from './key-words.ts'

/** One key: what it is, what it may, whether it lives. */
export function KeyRow({ row, onProve, onRevoke }: { row: EnrolledKey; onProve(): void; onRevoke(): void }) {
  const { timeZone } = useViewer().fleet
  const now = useSlowNow()
  const vehicles = useLiveValue((store) => store.vehicles)
  const state = KEY_STATE[row.state]
  const at = (time: number) => zonedDateTimeYear(time, timeZone)
  const since = now > 0 && row.lastUsedAt !== null ? ago(Math.max(0, now - row.lastUsedAt)) : ''
  return (
    <li
      aria-label={row.fingerprint}
      className="flex items-center gap-3 p-3 [contain-intrinsic-size:auto_5.5rem] [content-visibility:auto] max-md:flex-col max-md:items-stretch md:px-4"
    >
      <div className="wrap-anywhere flex min-w-0 flex-1 flex-col gap-0.5">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <code className="break-all font-mono text-xs">{row.fingerprint}</code>
          <Badge tone={state.tone}>{state.word}</Badge>
          {row.expiresSoon && <Badge tone="warning">Ends soon</Badge>}
          {row.isUnused && <Badge tone="warning">Unused for 180 days</Badge>}
        </p>
        <p className="break-words text-muted text-xs">
          {row.type} {row.bits} bits
          {row.comment && `, ${row.comment}`}
        </p>
        <p className="text-muted text-xs">
          {scopeWords(row.scopes)} ·{' '}
          {reachWords(row.reach, row.deviceName, (id) => vehicles.get(id)?.unitNumber)}
        </p>
        <p className="text-faint text-xs tabular-nums">
          {row.lastUsedAt === null
            ? 'Never used'
            : `Used ${[since, at(row.lastUsedAt)].filter(Boolean).join(', ')}${row.lastAddress ? ` from ${row.lastAddress}` : ''}`}
          {row.clockOffsetMs !== null && ` · its clock ${clockWords(row.clockOffsetMs)}`}
          {row.state !== 'revoked' &&
            row.expiresAt !== null &&
            ` · ${row.state === 'expired' ? 'expired' : 'good until'} ${at(row.expiresAt)}`}
        </p>
        {row.revokedAt !== null && (
          <p className="break-words text-danger text-xs">
            Revoked {at(row.revokedAt)}
            {row.revokedBy && ` by ${row.revokedBy}`}
            {row.revokedFor && `: ${row.revokedFor}`}
          </p>
        )}
      </div>
      {(row.state === 'pending' || row.state === 'active') && (
        <div className="flex shrink-0 gap-2">
          {row.state === 'pending' && (
            <MayButton
              action="keys.manage"
              size="small"
              aria-label={`Prove ${row.fingerprint}`}
              onClick={onProve}
            >
              Prove
            </MayButton>
          )}
          <MayButton
            action="keys.manage"
            size="small"
            tone="danger"
            aria-label={`Revoke ${row.fingerprint}`}
            onClick={onRevoke}
          >
            Revoke
          </MayButton>
        </div>
      )}
    </li>
  )
}
