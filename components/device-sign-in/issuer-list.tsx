'use client'
import { useMutation } from '@tanstack/react-query'
import { TRPCClientError } from '@trpc/client'
import { type FormEvent, useState } from 'react'
import { AddIssuer, type DeviceSignIn } from '../../server/auth/device-sign-in-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'
import { Section } from '../ui/section.tsx'
import { TestSteps } from '../ui/test-steps.tsx'

type Changed = { onChanged(): Promise<void> }

/** Whose OAuth 2 tokens are taken. */
export function IssuerList({
  issuers,
  audience,
  onChanged,
}: Pick<DeviceSignIn, 'issuers' | 'audience'> & Changed) {
  return (
    <Section title="OAuth 2 issuers">
      <div className="flex flex-col gap-4">
        <p className="max-w-prose text-muted text-sm">
          A token (JWT) of these is taken if its <code>aud</code> is{' '}
          <code className="break-all font-mono text-xs">{audience}</code> and its <code>client_id</code> the
          name of a device.
        </p>
        {issuers.length > 0 && (
          <ul
            aria-label="Issuers"
            className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface"
          >
            {issuers.map((row) => (
              <Issuer key={row.issuer} row={row} onChanged={onChanged} />
            ))}
          </ul>
        )}
        <NewIssuer onChanged={onChanged} />
      </div>
    </Section>
  )
}

function Issuer({ row, onChanged }: { row: DeviceSignIn['issuers'][0] } & Changed) {
  const trpc = useTRPC()
  const [sure, setSure] = useState(false)
  const test = useMutation(trpc.deviceSignIn.testIssuer.mutationOptions())
  const remove = useMutation(trpc.deviceSignIn.removeIssuer.mutationOptions({ onSuccess: onChanged }))
  const failure = test.error ?? remove.error
  return (
    <li aria-label={row.issuer} className="flex flex-col gap-2 p-3">
      <div className="flex items-center gap-3 max-md:flex-col max-md:items-stretch">
        <div className="min-w-0 flex-1">
          <p className="break-all font-medium text-sm">{row.issuer}</p>
          <p className="break-all text-muted text-xs">{row.jwksUrl}</p>
        </div>
        <div className="flex gap-2">
          <Button
            size="small"
            busy={test.isPending}
            aria-label={`Test ${row.issuer}`}
            onClick={() => test.mutate({ jwksUrl: row.jwksUrl })}
          >
            Test
          </Button>
          <Button
            size="small"
            tone="danger"
            busy={remove.isPending}
            aria-label={sure ? `Remove ${row.issuer} for good` : `Remove ${row.issuer}`}
            onClick={() => (sure ? remove.mutate({ issuer: row.issuer }) : setSure(true))}
          >
            {sure ? 'Its tokens end: remove' : 'Remove'}
          </Button>
        </div>
      </div>
      <div aria-live="polite" className="empty:hidden">
        {failure && <p className="text-danger text-sm">{reasonOf(failure)}</p>}
        {test.data && <TestSteps steps={test.data} />}
      </div>
    </li>
  )
}

function NewIssuer({ onChanged }: Changed) {
  const trpc = useTRPC()
  const [given, setGiven] = useState({ issuer: '', jwksUrl: '' })
  const [faults, setFaults] = useState(new Map<string, string>())
  const add = useMutation(
    trpc.deviceSignIn.addIssuer.mutationOptions({
      onSuccess: async () => {
        setGiven({ issuer: '', jwksUrl: '' })
        await onChanged()
      },
    }),
  )
  const field = add.error instanceof TRPCClientError ? add.error.data?.field : undefined
  const faultOf = (name: string) => faults.get(name) ?? (field === name ? reasonOf(add.error) : undefined)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const parsed = AddIssuer.safeParse(given)
    setFaults(new Map(parsed.error?.issues.map(({ path, message }) => [String(path[0]), message])))
    if (parsed.data) add.mutate(parsed.data)
  }
  return (
    <form onSubmit={submit} noValidate className="flex flex-col items-start gap-3">
      <div className="grid w-full gap-3 md:grid-cols-2">
        <TextField
          label="Issuer"
          hint="As it stands in “iss”."
          value={given.issuer}
          onChange={(event) => setGiven({ ...given, issuer: event.target.value })}
          error={faultOf('issuer')}
          autoComplete="off"
          spellCheck={false}
        />
        <TextField
          label="Address of its keys"
          hint="https://login.example/.well-known/jwks.json"
          inputMode="url"
          value={given.jwksUrl}
          onChange={(event) => setGiven({ ...given, jwksUrl: event.target.value })}
          error={faultOf('jwksUrl')}
          autoComplete="off"
          spellCheck={false}
        />
      </div>
      {add.error && field !== 'issuer' && field !== 'jwksUrl' && (
        <p role="alert" className="text-danger text-sm">
          {reasonOf(add.error)}
        </p>
      )}
      <Button type="submit" busy={add.isPending}>
        Add the issuer
      </Button>
    </form>
  )
}
