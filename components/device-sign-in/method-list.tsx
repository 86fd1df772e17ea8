'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type DeviceSignIn, METHOD_NAME, SetMethods } from '../../server/auth/device-sign-in-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { Button } from '../ui/button.tsx'
import { Section } from '../ui/section.tsx'
import { say } from '../ui/toast.tsx'

const METHODS = Object.keys(METHOD_NAME) as DeviceSignIn['methods']

/** What the fleet takes, in the order in which a request is asked. */
export function MethodList({
  methods,
  onChanged,
}: {
  methods: DeviceSignIn['methods']
  onChanged(): Promise<void>
}) {
  const trpc = useTRPC()
  const [fault, setFault] = useState<string>()
  const save = useMutation(
    trpc.deviceSignIn.setMethods.mutationOptions({
      onSuccess: async () => {
        await onChanged()
        say('Saved', { detail: 'Every server goes by it within 5 seconds.' })
      },
    }),
  )
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const parsed = SetMethods.safeParse({ methods: new FormData(event.currentTarget).getAll('methods') })
    setFault(parsed.error?.issues[0]?.message)
    if (parsed.data) save.mutate(parsed.data)
  }
  const problem = fault ?? (save.error ? reasonOf(save.error) : undefined)
  return (
    <Section title="Ways that are taken">
      <form onSubmit={submit} className="flex flex-col items-start gap-3">
        <p className="max-w-prose text-muted text-sm">
          A request is asked for them from top to bottom, and refused if it claims two. The first three are
          signed; what the others say is weaker evidence and changes no record of duty.
        </p>
        <fieldset className="flex flex-col gap-2" aria-describedby={problem ? 'methods-fault' : undefined}>
          <legend className="sr-only">Ways that are taken</legend>
          {METHODS.map((method) => (
            <label key={method} className="flex items-center gap-2 text-sm">
              <input
                type="checkbox"
                name="methods"
                value={method}
                defaultChecked={methods.includes(method)}
                className="size-4 accent-accent"
              />
              {METHOD_NAME[method]}
            </label>
          ))}
        </fieldset>
        {problem && (
          <p id="methods-fault" role="alert" className="text-danger text-sm">
            {problem}
          </p>
        )}
        <Button type="submit" tone="primary" busy={save.isPending}>
          Save the ways
        </Button>
      </form>
    </Section>
  )
}
