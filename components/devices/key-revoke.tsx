'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { EnrolledKey } from '../../server/auth/device-keys/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { Button } from '../ui/button.tsx'
import { TextField } from '../ui/field.tsx'

/** Asks why, and ends the key. */
export function KeyRevoke({
  row,
  onChanged,
  onClose,
}: {
  row: EnrolledKey
  onChanged(): void
  onClose(): void
}) {
  const trpc = useTRPC()
  const [why, setWhy] = useState('')
  const [fault, setFault] = useState<string>()
  const revoke = useMutation(
    trpc.keys.revoke.mutationOptions({
      onSuccess: () => {
        onChanged()
        onClose()
      },
    }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setFault(why.trim() === '' ? 'Say why: it is kept in the audit log.' : undefined)
    if (why.trim() !== '') revoke.mutate({ keyId: row.id, why })
  }
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4 p-5">
      <p className="text-muted text-sm">
        It and its sessions are refused within 5 seconds. This can’t be undone: a device comes back with a new
        key.
      </p>
      <TextField
        label="Why"
        value={why}
        maxLength={200}
        onChange={(event) => setWhy(event.target.value)}
        error={fault}
        autoComplete="off"
      />
      {revoke.error && (
        <p role="alert" className="text-danger text-sm">
          {reasonOf(revoke.error)}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" tone="danger" busy={revoke.isPending}>
          Revoke it
        </Button>
      </div>
    </form>
  )
}
