'use client'
import { useMutation } from '@tanstack/react-query'
import { TRPCClientError } from '@trpc/client'
import { type FormEvent, useState } from 'react'
import { KIND_NAME, SaveWebhook, WEBHOOK_KINDS, type WebhookRow } from '../../server/webhooks/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { Button } from '../ui/button.tsx'
import { TokenOnce } from '../ui/copy.tsx'
import { TextField, Tick } from '../ui/field.tsx'
import { FormFoot } from '../ui/form-foot.tsx'

/** One webhook: where to, and of what. A new one shows its secret once it is made. */
export function WebhookForm({
  stored,
  onChanged,
  onClose,
}: {
  stored: WebhookRow | null
  onChanged(): void
  onClose(): void
}) {
  const trpc = useTRPC()
  const [faults, setFaults] = useState(new Map<string, string>())
  const save = useMutation(
    trpc.webhooks.save.mutationOptions({
      onSuccess: ({ secret }) => {
        onChanged()
        if (secret === null) onClose()
      },
    }),
  )
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    const parsed = SaveWebhook.safeParse({
      ...(stored && { id: stored.id }),
      name: given.get('name'),
      url: given.get('url'),
      kinds: given.getAll('kinds'),
      enabled: given.get('enabled') === 'on',
    })
    setFaults(new Map(parsed.error?.issues.map(({ path, message }) => [String(path[0]), message])))
    if (parsed.data) save.mutate(parsed.data)
  }
  const atUrl = save.error instanceof TRPCClientError && save.error.data?.field === 'url'
  if (save.data?.secret)
    return (
      <div className="flex flex-col gap-4 p-5">
        <TokenOnce token={save.data.secret} what="secret" />
        <p className="text-muted text-sm">
          Keep it where your receiver runs: each delivery is signed with it. Lost, it can be changed at any
          time.
        </p>
        <Button tone="primary" onClick={onClose} className="self-end">
          Done
        </Button>
      </div>
    )
  return (
    <form onSubmit={submit} noValidate className="flex min-h-0 flex-col">
      <div className="mt-4 flex min-h-0 flex-col gap-4 overflow-auto border-line border-t p-5">
        <TextField
          label="Name"
          name="name"
          defaultValue={stored?.name}
          error={faults.get('name')}
          autoComplete="off"
          required
        />
        <TextField
          label="Address"
          name="url"
          inputMode="url"
          defaultValue={stored?.url}
          error={faults.get('url') ?? (atUrl ? reasonOf(save.error) : undefined)}
          hint="https://tms.example/restline"
          autoComplete="off"
          spellCheck={false}
          required
        />
        <fieldset
          className="flex flex-col gap-2"
          aria-describedby={faults.has('kinds') ? 'kinds' : undefined}
        >
          <legend className="mb-1 font-medium text-muted text-xs">It is told when</legend>
          {WEBHOOK_KINDS.map((kind) => (
            <label key={kind} className="flex items-center gap-2 text-sm">
              <input
                type="checkbox"
                name="kinds"
                value={kind}
                defaultChecked={stored?.kinds.includes(kind) ?? true}
                className="size-4 accent-accent"
              />
              {KIND_NAME[kind]}
            </label>
          ))}
          {faults.has('kinds') && (
            <p id="kinds" role="alert" className="text-danger text-xs">
              {faults.get('kinds')}
            </p>
          )}
        </fieldset>
        <Tick name="enabled" label="On" on={stored?.enabled ?? true} />
        {save.error && !atUrl && (
          <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
            {reasonOf(save.error)}
          </p>
        )}
      </div>
      <FormFoot submit="Save" busy={save.isPending} onCancel={onClose} />
    </form>
  )
}
