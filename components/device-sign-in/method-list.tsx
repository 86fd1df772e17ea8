'use client'
import { useMutation } from '@tanstack/react-query'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, useLayoutEffect, useRef, useState } from 'react'
import { type DeviceSignIn, METHOD_NAME, SetMethods } from '../../server/auth/device-sign-in-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Section } from '../ui/section.tsx'
import { say } from '../ui/toast.tsx'

type Method = DeviceSignIn['methods'][number]
const METHODS = Object.keys(METHOD_NAME) as Method[]

/** What the fleet takes, in the order in which a request is asked. */
export function MethodList({
  methods,
  onChanged,
}: {
  methods: DeviceSignIn['methods']
  onChanged(): Promise<void>
}) {
  const trpc = useTRPC()
  const [order, setOrder] = useState(() => [...methods, ...METHODS.filter((one) => !methods.includes(one))])
  const [taken, setTaken] = useState<ReadonlySet<Method>>(() => new Set(methods))
  const [moved, setMoved] = useState('')
  const [fault, setFault] = useState<string>()
  const held = useRef<Element | null>(null)
  const save = useMutation(
    trpc.deviceSignIn.setMethods.mutationOptions({
      onSuccess: async () => {
        await onChanged()
        say('Saved', { detail: 'Every server goes by it within 5 seconds.' })
      },
    }),
  )
  // A row that is put elsewhere in the document loses the focus on its way.
  useLayoutEffect(() => {
    if (order.length > 0 && held.current instanceof HTMLElement) held.current.focus()
    held.current = null
  }, [order])
  const toggle = (method: Method, on: boolean) =>
    setTaken((before) => new Set(order.filter((one) => (one === method ? on : before.has(one)))))
  const move = (from: number, to: number) => {
    if (to < 0 || to >= order.length) return
    held.current = document.activeElement
    const after = [...order]
    const [method] = after.splice(from, 1)
    after.splice(to, 0, method!)
    setOrder(after)
    setMoved(`${METHOD_NAME[method!]}: ${to + 1} of ${order.length}`)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const parsed = SetMethods.safeParse({ methods: order.filter((method) => taken.has(method)) })
    setFault(parsed.error?.issues[0]?.message)
    if (parsed.data) save.mutate(parsed.data)
  }
  const problem = fault ?? (save.error ? reasonOf(save.error) : undefined)
  return (
    <Section title="Ways that are taken">
      <form onSubmit={submit} className="flex flex-col items-start gap-3">
        <p className="max-w-prose text-muted text-sm">
          A request is asked for them from top to bottom, and refused if it claims two. A phone’s app names
          itself in each message: where its identity stands above the token, the token isn’t asked for. A
          signature, a session and a certificate prove a key; what the others say is weaker evidence and
          changes no record of duty.
        </p>
        <fieldset
          className="w-full max-w-xl"
          aria-describedby={problem ? 'methods-fault methods-keys' : 'methods-keys'}
        >
          <legend className="sr-only">Ways that are taken</legend>
          <ol className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface">
            {order.map((method, index) => (
              <MethodRow
                key={method}
                method={method}
                index={index}
                last={order.length - 1}
                taken={taken.has(method)}
                onToggle={(on) => toggle(method, on)}
                onMove={(to) => move(index, to)}
              />
            ))}
          </ol>
          <p id="methods-keys" className="mt-2 text-muted text-xs">
            Alt with the arrow keys moves the way that has the focus.
          </p>
        </fieldset>
        <p aria-live="polite" className="sr-only">
          {moved}
        </p>
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

function MethodRow({
  method,
  index,
  last,
  taken,
  onToggle,
  onMove,
}: {
  method: Method
  index: number
  last: number
  taken: boolean
  onToggle(on: boolean): void
  onMove(to: number): void
}) {
  const name = METHOD_NAME[method]
  const onKeyDown = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    onMove(index + (event.key === 'ArrowUp' ? -1 : 1))
  }
  return (
    <li className="flex items-center gap-2 py-1.5 pr-2 pl-3" onKeyDown={onKeyDown}>
      <span aria-hidden className="w-4 text-muted text-xs tabular-nums">
        {index + 1}
      </span>
      <label className="flex min-h-7 min-w-0 flex-1 items-center gap-2.5 text-sm">
        <input
          type="checkbox"
          name="methods"
          value={method}
          checked={taken}
          onChange={(event) => onToggle(event.target.checked)}
          className="size-4 shrink-0 accent-accent"
        />
        {name}
      </label>
      <IconButton
        size="small"
        tone="quiet"
        label={`Move up: ${name}`}
        {...(index === 0 && { 'aria-disabled': true, title: 'It is the first already' })}
        onClick={() => onMove(index - 1)}
      >
        <ArrowUp aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        size="small"
        tone="quiet"
        label={`Move down: ${name}`}
        {...(index === last && { 'aria-disabled': true, title: 'It is the last already' })}
        onClick={() => onMove(index + 1)}
      >
        <ArrowDown aria-hidden className="size-4" />
      </IconButton>
    </li>
  )
}
