'use client'
import { useMutation } from '@tanstack/react-query'
import { TRPCClientError } from '@trpc/client'
import { type FormEvent, useState } from 'react'
import { type EnrolledKey, KEY_SCOPES, type KeyReach } from '../../server/auth/device-keys/schema.ts'
import type { DeviceRow } from '../../server/fleet/devices-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { useNow } from '../live/live.tsx'
import { ComboboxField } from '../ui/combobox.tsx'
import { Field, SelectField } from '../ui/field.tsx'
import { FormFoot } from '../ui/form-foot.tsx'
import { SCOPE } from './key-words.ts'
import { useDevices } from './use-devices.ts'

const YEAR_MS = 365 * 86_400_000
const YEARS = ['1', '2', '3', '5'] as const

/** Takes the line of a .pub file: what the key may do, for whom, and how long. */
export function KeyForm({ onEnrolled, onClose }: { onEnrolled(key: EnrolledKey): void; onClose(): void }) {
  const trpc = useTRPC()
  const now = useNow()
  const { rows: devices } = useDevices()
  const [kind, setKind] = useState<'device' | 'vehicle' | 'fleet'>('device')
  const [device, setDevice] = useState<DeviceRow | null>(null)
  const [asked, setAsked] = useState<{ line?: string; scopes?: string; device?: string }>({})
  const enrol = useMutation(trpc.keys.enrol.mutationOptions({ onSuccess: onEnrolled }))
  const field = enrol.error instanceof TRPCClientError ? enrol.error.data?.field : undefined
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget)
    const publicKey = String(given.get('publicKey'))
    const scopes = KEY_SCOPES.filter((scope) => given.getAll('scopes').includes(scope))
    const faults = {
      ...(publicKey.trim() === '' && { line: 'Paste the line of the .pub file.' }),
      ...(scopes.length === 0 && { scopes: 'Choose at least one.' }),
      ...(kind !== 'fleet' && !device && { device: 'Choose the device.' }),
    }
    setAsked(faults)
    if (Object.keys(faults).length > 0) return
    const reach: KeyReach =
      kind === 'fleet'
        ? { kind }
        : kind === 'device'
          ? { kind, deviceId: device!.id }
          : { kind: 'vehicles', vehicleIds: [device!.vehicleId] }
    const years = Number(given.get('years'))
    // Five years to the day would be past the limit by the time that the request arrives.
    const expiresAt = (now || Date.now()) + years * YEAR_MS - 60_000
    enrol.mutate({ publicKey, scopes, reach, expiresAt })
  }
  const lineFault = asked.line ?? (field === 'publicKey' ? reasonOf(enrol.error) : undefined)
  return (
    <form onSubmit={submit} noValidate className="flex min-h-0 flex-col">
      <div className="mt-4 flex min-h-0 flex-col gap-4 overflow-auto border-line border-t p-5">
        <Field
          label="Public key"
          error={lineFault}
          hint="One line, as it stands in the .pub file. The private half never leaves the device."
        >
          {(control) => (
            <textarea
              {...control}
              name="publicKey"
              rows={4}
              spellCheck={false}
              autoCapitalize="off"
              autoComplete="off"
              placeholder="ssh-ed25519 AAAA… truck-7"
              className="w-full resize-y break-all rounded-md border border-line-strong/70 bg-surface px-3 py-2 font-mono text-ink text-xs placeholder:text-faint hover:border-line-strong aria-invalid:border-danger-fill"
            />
          )}
        </Field>
        <fieldset
          className="flex flex-col gap-2"
          aria-describedby={asked.scopes ? 'scopes-fault' : undefined}
        >
          <legend className="mb-1 font-medium text-muted text-xs">It may</legend>
          {KEY_SCOPES.map((scope) => (
            <label key={scope} className="flex items-center gap-2 text-sm">
              <input
                type="checkbox"
                name="scopes"
                value={scope}
                defaultChecked={scope === 'ingest'}
                className="size-4 accent-accent"
              />
              {SCOPE[scope]}
            </label>
          ))}
          {asked.scopes && (
            <p id="scopes-fault" role="alert" className="text-danger text-xs">
              {asked.scopes}
            </p>
          )}
        </fieldset>
        <SelectField
          label="For"
          value={kind}
          onChange={(event) => setKind(event.target.value as typeof kind)}
        >
          <option value="device">One device</option>
          <option value="vehicle">The truck of a device, whatever device is in it</option>
          <option value="fleet">The whole fleet: a gateway</option>
        </SelectField>
        {kind !== 'fleet' && (
          <ComboboxField
            label="Its device"
            placeholder="Name or unit number"
            items={devices ?? []}
            value={device}
            onChange={(chosen) => setDevice(chosen)}
            labelOf={({ name, unitNumber }) => `${name} (truck ${unitNumber})`}
            isSame={(a, b) => a.id === b.id}
            error={asked.device}
          >
            {({ name, unitNumber }) => (
              <span className="flex w-full items-baseline gap-2">
                <span className="font-medium">{name}</span>
                <span className="text-muted text-xs">truck {unitNumber}</span>
              </span>
            )}
          </ComboboxField>
        )}
        <SelectField label="Good for" name="years" defaultValue="2">
          {YEARS.map((years) => (
            <option key={years} value={years}>
              {years === '1' ? 'One year' : `${years} years`}
            </option>
          ))}
        </SelectField>
        {enrol.error && field !== 'publicKey' && (
          <p role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger text-sm">
            {reasonOf(enrol.error)}
          </p>
        )}
      </div>
      <FormFoot submit="Enrol" busy={enrol.isPending} onCancel={onClose} />
    </form>
  )
}
