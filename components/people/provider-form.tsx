'use client'
import { useMutation } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'
import { ROLE_NAME, type Role } from '../../server/auth/can.ts'
import { GIVEN_ROLES, SaveProvider } from '../../server/auth/provider-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { SelectField, TextField, Tick } from '../ui/field.tsx'
import { FormFoot } from '../ui/form-foot.tsx'
import { TestSteps } from '../ui/test-steps.tsx'
import type { Editing } from './sign-in-page.tsx'

interface Group {
  /** Of the row in the form. */
  key: number
  group: string
  role: Role
}

/** What the form holds, as the server reads it; which field is wrong if it can't be. */
function read(form: HTMLFormElement, editing: Editing, groups: readonly Group[]) {
  const given = new FormData(form)
  const text = (name: string) => String(given.get(name) ?? '').trim()
  const common = {
    kind: editing.kind,
    ...('id' in editing && { id: editing.id }),
    name: text('name'),
    enabled: given.get('enabled') === 'on',
    // An empty one keeps what is stored.
    ...(given.get('secret') ? { secret: String(given.get('secret')) } : {}),
  }
  const roles = {
    groups: groups.flatMap(({ group, role }) => (group.trim() ? [{ group, role }] : [])),
    otherwise: text('otherwise') || null,
  }
  const settings =
    editing.kind === 'oidc'
      ? {
          issuer: text('issuer'),
          clientId: text('clientId'),
          scope: text('scope'),
          groupsClaim: text('groupsClaim'),
          ...roles,
        }
      : {
          url: text('url'),
          startTls: given.get('startTls') === 'on',
          authorities: text('authorities'),
          bindDn: text('bindDn'),
          baseDn: text('baseDn'),
          userAttribute: text('userAttribute'),
          idAttribute: text('idAttribute'),
          nameAttribute: text('nameAttribute'),
          emailAttribute: text('emailAttribute'),
          groupBaseDn: text('groupBaseDn'),
          memberAttribute: text('memberAttribute'),
          ...roles,
        }
  const who = { user: text('testUser'), password: String(given.get('testPassword') ?? '') }
  return { parsed: SaveProvider.safeParse({ ...common, settings }), who }
}

/** One directory or provider: its settings, its test, and saving it. */
export function ProviderForm({ editing, onDone }: { editing: Editing; onDone(): void }) {
  const trpc = useTRPC()
  const form = useRef<HTMLFormElement>(null)
  const stored = 'id' in editing ? editing : null
  const [groups, setGroups] = useState<Group[]>(
    (stored?.settings.groups ?? [{ group: '', role: 'dispatcher' as const }]).map((one, key) => ({
      key,
      ...one,
    })),
  )
  const [faults, setFaults] = useState(new Map<string, string>())
  const save = useMutation(trpc.signIn.save.mutationOptions({ onSuccess: onDone }))
  const tryIt = useMutation(trpc.signIn.test.mutationOptions())

  function checked() {
    const { parsed, who } = read(form.current!, editing, groups)
    setFaults(new Map(parsed.error?.issues.map(({ path, message }) => [String(path.at(-1)), message])))
    return { provider: parsed.data, who }
  }
  const test = () => {
    const { provider, who } = checked()
    if (provider) tryIt.mutate({ provider, ...(who.user && who.password ? who : {}) })
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const { provider } = checked()
    if (provider) save.mutate(provider)
  }
  const defaults = (stored?.settings ?? {}) as Record<string, string | boolean | null | undefined>
  const field = (
    name: string,
    label: string,
    more: { fallback?: string; hint?: string; required?: boolean } = {},
  ) => (
    <TextField
      label={label}
      name={name}
      defaultValue={String(defaults[name] ?? more.fallback ?? '')}
      error={faults.get(name)}
      hint={more.hint}
      required={more.required}
      autoComplete="off"
      spellCheck={false}
    />
  )
  return (
    <form ref={form} onSubmit={submit} className="flex min-h-0 flex-col">
      <div className="mt-4 flex min-h-0 flex-col gap-4 overflow-auto border-line border-t p-5">
        <div className="grid gap-4 md:grid-cols-2">
          <TextField
            label="Name on the sign-in page"
            name="name"
            defaultValue={stored?.name}
            error={faults.get('name')}
            required
          />
          {editing.kind === 'ldap' ? (
            <>
              {field('url', 'Address', { hint: 'ldaps://directory.example:636', required: true })}
              {field('bindDn', 'Service account (DN)', { required: true })}
              <Secret label="Its password" stored={stored?.hasSecret} error={faults.get('secret')} />
              {field('baseDn', 'Where people are (DN)', { required: true })}
              {field('groupBaseDn', 'Where groups are (DN)', { hint: 'Empty: the same place' })}
              {field('userAttribute', 'Attribute of the user name', {
                fallback: 'uid',
                hint: 'Active Directory: sAMAccountName',
              })}
              {field('idAttribute', 'Attribute that never changes', {
                fallback: 'entryUUID',
                hint: 'Active Directory: objectGUID',
              })}
              {field('nameAttribute', 'Attribute of the name', { fallback: 'cn' })}
              {field('emailAttribute', 'Attribute of the e-mail', { fallback: 'mail' })}
              {field('memberAttribute', 'Attribute of a group’s members', { fallback: 'member' })}
              {field('authorities', 'Own certificate authority (PEM)', { hint: 'Empty: the usual ones' })}
            </>
          ) : (
            <>
              {field('issuer', 'Issuer', { hint: 'https://login.example', required: true })}
              {field('clientId', 'Client id', { required: true })}
              <Secret label="Client secret" stored={stored?.hasSecret} error={faults.get('secret')} />
              {field('scope', 'Scopes', { fallback: 'openid profile email' })}
              {field('groupsClaim', 'Claim of the groups', { fallback: 'groups' })}
            </>
          )}
        </div>
        {editing.kind === 'ldap' && (
          <Tick name="startTls" label="Start TLS on an ldap:// address" on={defaults.startTls === true} />
        )}
        <Groups groups={groups} onChange={setGroups} />
        <SelectField
          label="People in none of these groups"
          name="otherwise"
          defaultValue={String(defaults.otherwise ?? '')}
        >
          <option value="">may not come in</option>
          {GIVEN_ROLES.map((role) => (
            <option key={role} value={role}>
              come in as {ROLE_NAME[role]}
            </option>
          ))}
        </SelectField>
        <Tick name="enabled" label="Offered on the sign-in page" on={stored?.enabled ?? true} />
        <fieldset className="flex flex-col gap-3 rounded-lg bg-sunken p-4">
          <legend className="sr-only">Test</legend>
          {editing.kind === 'ldap' && (
            <div className="grid gap-4 md:grid-cols-2">
              <TextField label="Try with this user (optional)" name="testUser" autoComplete="off" />
              <TextField
                label="Password of this user"
                type="password"
                name="testPassword"
                autoComplete="off"
              />
            </div>
          )}
          <Button onClick={test} busy={tryIt.isPending} className="self-start">
            {editing.kind === 'ldap' ? 'Test this directory' : 'Test this provider'}
          </Button>
          <div aria-live="polite">
            {tryIt.error && <p className="text-danger text-sm">{reasonOf(tryIt.error)}</p>}
            {tryIt.data && <TestSteps steps={tryIt.data} />}
          </div>
        </fieldset>
        {save.error && (
          <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
            {reasonOf(save.error)}
          </p>
        )}
      </div>
      <FormFoot submit="Save" busy={save.isPending} onCancel={onDone} />
    </form>
  )
}

function Secret({ label, stored, error }: { label: string; stored?: boolean; error?: string }) {
  return (
    <TextField
      label={label}
      type="password"
      name="secret"
      autoComplete="new-password"
      error={error}
      hint={stored ? 'Stored. Leave it empty to keep it.' : undefined}
    />
  )
}

function Groups({ groups, onChange }: { groups: Group[]; onChange(groups: Group[]): void }) {
  const set = (at: number, more: Partial<Group>) =>
    onChange(groups.map((one, i) => (i === at ? { ...one, ...more } : one)))
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 font-medium text-muted text-xs">
        Groups and their roles; the first that fits counts
      </legend>
      {groups.map(({ key, group, role }, i) => (
        <div key={key} className="flex items-end gap-2">
          <TextField
            label={`Group ${i + 1}`}
            labelHidden
            className="min-w-0 flex-1"
            placeholder="Name or DN"
            value={group}
            onChange={(event) => set(i, { group: event.target.value })}
          />
          <SelectField
            label={`Role of group ${i + 1}`}
            labelHidden
            value={role}
            onChange={(event) =>
              set(i, { role: GIVEN_ROLES.find((one) => one === event.target.value) ?? 'viewer' })
            }
          >
            {GIVEN_ROLES.map((one) => (
              <option key={one} value={one}>
                {ROLE_NAME[one]}
              </option>
            ))}
          </SelectField>
          <IconButton
            size="medium"
            label={`Take group ${i + 1} away`}
            onClick={() => onChange(groups.filter((_, at) => at !== i))}
          >
            <Trash2 aria-hidden className="size-4" />
          </IconButton>
        </div>
      ))}
      <Button
        size="small"
        className="self-start"
        onClick={() =>
          onChange([...groups, { key: (groups.at(-1)?.key ?? 0) + 1, group: '', role: 'viewer' }])
        }
      >
        <Plus aria-hidden className="size-4" />
        Add a group
      </Button>
    </fieldset>
  )
}
