'use client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { mayAssign, ROLE_MEANS, ROLE_NAME, ROLES, type Role } from '../../server/auth/can.ts'
import type { InvitationRow, MemberRow } from '../../server/auth/members-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { plural, zonedDateTime } from '../format.ts'
import { useLiveValue } from '../live/live.tsx'
import { BlockedButton, MayButton } from '../shell/may-button.tsx'
import { useViewer } from '../shell/viewer.tsx'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { SelectField, TextField } from '../ui/field.tsx'
import { Notice } from '../ui/notice.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { say } from '../ui/toast.tsx'
import { Question } from './question.tsx'
import { SettingsTabs } from './settings-tabs.tsx'

const titled = (role: Role) => ROLE_NAME[role][0]!.toUpperCase() + ROLE_NAME[role].slice(1)

/** Who belongs to the fleet, what each may do, and who is asked in. */
export function PeoplePage() {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(trpc.people.list.queryOptions())
  const [inviting, setInviting] = useState(false)
  const [changing, setChanging] = useState<MemberRow | null>(null)
  const [removing, setRemoving] = useState<MemberRow | null>(null)
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-4 p-4 md:p-6">
      <SettingsTabs current="/settings/people" />
      <div className="flex flex-wrap items-center gap-3">
        <h1 className="flex-1 text-xl">People and roles</h1>
        <MayButton action="people.manage" tone="primary" onClick={() => setInviting(true)}>
          Invite somebody
        </MayButton>
      </div>
      {error ? (
        <Notice
          alert
          title="The people can’t be read"
          action={<Button onClick={() => void refetch()}>Try again</Button>}
        >
          {reasonOf(error)}
        </Notice>
      ) : data ? (
        <>
          <p className="text-muted text-sm">{plural(data.members.length, 'person', 'people')}</p>
          <ul
            aria-label="People"
            className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface"
          >
            {data.members.map((member) => (
              <Member key={member.userId} member={member} onChange={setChanging} onRemove={setRemoving} />
            ))}
          </ul>
          {data.invitations.length > 0 && <Invitations rows={data.invitations} />}
        </>
      ) : (
        <div role="status" className="flex flex-col gap-2">
          <span className="sr-only">Loading the people…</span>
          {[1, 2, 3].map((i) => (
            <Skeleton key={i} className="h-16 rounded-lg" />
          ))}
        </div>
      )}
      <Roles />
      <Dialog
        open={inviting}
        onOpenChange={setInviting}
        title="Invite somebody"
        description="They get a link by mail that is good for 7 days, once."
      >
        <InviteForm onDone={() => setInviting(false)} />
      </Dialog>
      <Dialog
        open={changing !== null}
        onOpenChange={(open) => !open && setChanging(null)}
        title={`Change the role of ${changing?.name ?? ''}`}
        description="Their sessions end, and they sign in again in the new role."
      >
        {changing && <RoleForm member={changing} onDone={() => setChanging(null)} />}
      </Dialog>
      <Dialog
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title={`Remove ${removing?.name ?? ''}?`}
        description="They are signed out and see nothing of this fleet any more. What they did stays in the log."
      >
        {removing && <Remove member={removing} onDone={() => setRemoving(null)} />}
      </Dialog>
    </div>
  )
}

function Member({
  member,
  onChange,
  onRemove,
}: {
  member: MemberRow
  onChange(member: MemberRow): void
  onRemove(member: MemberRow): void
}) {
  const { user, fleet } = useViewer()
  const { name, email, role, driverName, ways, strong, lastSeenAt } = member
  const why = mayAssign(user.role, role) ? null : 'Only an owner changes an owner.'
  return (
    <li className="flex items-center gap-3 p-3 max-md:flex-col max-md:items-stretch md:px-4">
      <div className="min-w-0 flex-1">
        <p className="wrap-anywhere flex flex-wrap items-center gap-2 font-medium text-sm">
          {name}
          {member.userId === user.id && <Badge>You</Badge>}
          <Badge tone={role === 'owner' ? 'accent' : 'neutral'}>{titled(role)}</Badge>
          {driverName && <span className="font-normal text-muted text-xs">log of {driverName}</span>}
        </p>
        <p className="wrap-anywhere text-muted text-xs">
          {email.endsWith('@provider.invalid') ? 'no e-mail' : email} · {ways.join(', ') || 'no way in'}
          {strong && ' · second step'} ·{' '}
          {lastSeenAt === null ? 'not signed in' : `seen ${zonedDateTime(lastSeenAt, fleet.timeZone)}`}
        </p>
      </div>
      <div className="flex gap-2">
        <BlockedButton
          why={why}
          size="small"
          aria-label={`Change the role of ${name}`}
          onClick={() => onChange(member)}
        >
          Change role
        </BlockedButton>
        <BlockedButton
          why={why}
          size="small"
          tone="danger"
          aria-label={`Remove ${name}`}
          onClick={() => onRemove(member)}
        >
          Remove
        </BlockedButton>
      </div>
    </li>
  )
}

function usePeopleChanged() {
  const trpc = useTRPC()
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: trpc.people.list.queryKey() })
}

function RoleFields({ now, driverId }: { now: Role; driverId: number | null }) {
  const { user } = useViewer()
  const [chosen, setChosen] = useState(now)
  const drivers = useLiveValue((store) => store.drivers)
  return (
    <>
      <SelectField
        label="Role"
        name="role"
        value={chosen}
        onChange={(event) => setChosen(ROLES.find((one) => one === event.target.value) ?? 'viewer')}
        hint={ROLE_MEANS[chosen]}
      >
        {ROLES.map((one) => (
          <option key={one} value={one} disabled={!mayAssign(user.role, one)}>
            {titled(one)}
          </option>
        ))}
      </SelectField>
      {chosen === 'driver' && (
        <SelectField label="Whose log" name="driver" defaultValue={driverId ?? ''} required>
          <option value="">Choose a driver</option>
          {[...drivers.values()]
            .sort((a, b) => a.name.localeCompare(b.name))
            .map((driver) => (
              <option key={driver.driverId} value={driver.driverId}>
                {driver.name} ({driver.employeeNumber})
              </option>
            ))}
        </SelectField>
      )}
    </>
  )
}

const roleIn = (given: FormData) => ({
  role: ROLES.find((one) => one === given.get('role')) ?? ('viewer' as const),
  driverId: Number(given.get('driver')) || null,
})

/** What a dialog does when its deed is done: the people are read again, and it closes. */
function useDone(onDone: () => void) {
  const changed = usePeopleChanged()
  return () => {
    void changed()
    onDone()
  }
}

function InviteForm({ onDone }: { onDone(): void }) {
  const trpc = useTRPC()
  const done = useDone(onDone)
  const invite = useMutation(
    trpc.people.invite.mutationOptions({
      onSuccess: (_, { email }) => {
        say('The invitation is on its way', { detail: email, tone: 'good' })
        done()
      },
    }),
  )
  return (
    <Question
      deed={invite}
      submit="Send the invitation"
      onCancel={onDone}
      onSubmit={(given) => invite.mutate({ email: String(given.get('email')), ...roleIn(given) })}
    >
      <TextField label="E-mail" type="email" name="email" autoComplete="off" required />
      <RoleFields now="dispatcher" driverId={null} />
    </Question>
  )
}

function RoleForm({ member, onDone }: { member: MemberRow; onDone(): void }) {
  const trpc = useTRPC()
  const set = useMutation(trpc.people.setRole.mutationOptions({ onSuccess: useDone(onDone) }))
  return (
    <Question
      deed={set}
      submit="Change role"
      onCancel={onDone}
      onSubmit={(given) => set.mutate({ userId: member.userId, ...roleIn(given) })}
    >
      <RoleFields now={member.role} driverId={member.driverId} />
    </Question>
  )
}

function Remove({ member, onDone }: { member: MemberRow; onDone(): void }) {
  const trpc = useTRPC()
  const remove = useMutation(trpc.people.remove.mutationOptions({ onSuccess: useDone(onDone) }))
  return (
    <Question
      deed={remove}
      submit="Remove"
      tone="danger"
      onCancel={onDone}
      onSubmit={() => remove.mutate({ userId: member.userId })}
    />
  )
}

function Invitations({ rows }: { rows: readonly InvitationRow[] }) {
  const trpc = useTRPC()
  const changed = usePeopleChanged()
  const { fleet } = useViewer()
  const { mutate, isPending, variables } = useMutation(
    trpc.people.withdraw.mutationOptions({ onSettled: () => void changed() }),
  )
  return (
    <section aria-label="Invitations" className="flex flex-col gap-2">
      <h2 className="font-semibold text-base">Asked in</h2>
      <ul className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface">
        {rows.map(({ id, email, role, invitedBy, expiresAt }) => (
          <li key={id} className="flex items-center gap-3 p-3 md:px-4">
            <div className="min-w-0 flex-1">
              <p className="wrap-anywhere text-sm">
                {email} <Badge className="ml-1">{titled(role)}</Badge>
              </p>
              <p className="wrap-anywhere text-muted text-xs">
                by {invitedBy}, good until {zonedDateTime(expiresAt, fleet.timeZone)}
              </p>
            </div>
            <Button
              size="small"
              aria-label={`Take back the invitation of ${email}`}
              busy={isPending && variables?.id === id}
              onClick={() => mutate({ id })}
            >
              Take back
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What each role may do, from the one table. */
function Roles() {
  return (
    <details className="rounded-lg border border-line bg-surface p-3 text-sm md:px-4">
      <summary className="cursor-pointer py-0.5 font-medium">What each role may do</summary>
      <dl className="mt-2 grid gap-x-4 gap-y-1 md:grid-cols-[10rem_1fr]">
        {ROLES.map((role) => (
          <div key={role} className="contents">
            <dt className="font-medium">{titled(role)}</dt>
            <dd className="mb-1 text-muted">{ROLE_MEANS[role]}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
