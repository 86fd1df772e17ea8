'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { EnrolledKey } from '../../server/auth/device-keys/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { zonedTime } from '../format.ts'
import { useViewer } from '../shell/viewer.tsx'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy.tsx'
import { Field } from '../ui/field.tsx'

/** How a pending key shows that its private half is there: by its first request, or by a signature that is pasted here. */
export function KeyProof({
  row,
  onChanged,
  onClose,
}: {
  row: EnrolledKey
  onChanged(): void
  onClose(): void
}) {
  const trpc = useTRPC()
  const { timeZone } = useViewer().fleet
  const [signature, setSignature] = useState('')
  const challenge = useMutation(trpc.keys.challenge.mutationOptions())
  const prove = useMutation(
    trpc.keys.prove.mutationOptions({
      onSuccess: () => {
        onChanged()
        onClose()
      },
      // Whatever was wrong, its challenge is used up.
      onError: () => challenge.reset(),
    }),
  )
  const ask = () => {
    setSignature('')
    prove.reset()
    challenge.mutate({ keyId: row.id })
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    prove.mutate({ keyId: row.id, signature })
  }
  return (
    <form onSubmit={submit} noValidate className="flex min-h-0 flex-col gap-4 overflow-auto p-5">
      <p className="text-muted text-sm">
        The first request that the device signs proves the key by itself, within a day of its enrolment. To
        prove it now, sign a challenge where the private key is.
      </p>
      {!challenge.data ? (
        <>
          <div aria-live="polite" className="empty:hidden">
            {(prove.error ?? challenge.error) && (
              <p className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
                {reasonOf(prove.error ?? challenge.error)}
              </p>
            )}
          </div>
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Leave it to the first request</Button>
            <Button tone="primary" busy={challenge.isPending} onClick={ask}>
              {prove.error ? 'New challenge' : 'Prove it now'}
            </Button>
          </div>
        </>
      ) : (
        <>
          <div className="flex flex-col gap-1.5">
            <div className="flex items-center gap-2">
              <p className="flex-1 text-muted text-xs">
                Run this; KEYFILE is the private key’s file. Good once, until{' '}
                {zonedTime(challenge.data.expiresAt, timeZone)}.
              </p>
              <CopyButton text={challenge.data.command} what="the command" />
            </div>
            <pre className="whitespace-pre-wrap break-all rounded-md bg-sunken px-3 py-2 font-mono text-xs">
              {challenge.data.command}
            </pre>
          </div>
          <Field label="Signature" hint="All that it prints, with the BEGIN and END lines.">
            {(control) => (
              <textarea
                {...control}
                value={signature}
                onChange={(event) => setSignature(event.target.value)}
                rows={6}
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
                placeholder="-----BEGIN SSH SIGNATURE-----"
                className="w-full resize-y rounded-md border border-line-strong/70 bg-surface px-3 py-2 font-mono text-ink text-xs placeholder:text-faint hover:border-line-strong"
              />
            )}
          </Field>
          <div className="flex justify-end gap-2">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" tone="primary" busy={prove.isPending}>
              Check it
            </Button>
          </div>
        </>
      )}
    </form>
  )
}
