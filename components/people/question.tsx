'use client'
import type { FormEvent, ReactNode } from 'react'
import { reasonOf } from '../api.tsx'
import { Button } from '../ui/button.tsx'

/** A dialog's question: what went wrong, its fields, and the two ways out. */
export function Question({
  deed: { error, isPending },
  submit,
  tone = 'primary',
  onCancel,
  onSubmit,
  children,
}: {
  deed: { error: unknown; isPending: boolean }
  submit: string
  tone?: 'primary' | 'danger'
  onCancel(): void
  onSubmit(given: FormData): void
  children?: ReactNode
}) {
  return (
    <form
      className="flex flex-col gap-4 p-5"
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault()
        onSubmit(new FormData(event.currentTarget))
      }}
    >
      {error ? (
        <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
          {reasonOf(error)}
        </p>
      ) : null}
      {children}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" tone={tone} busy={isPending}>
          {submit}
        </Button>
      </div>
    </form>
  )
}
