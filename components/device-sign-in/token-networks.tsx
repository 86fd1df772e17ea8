'use client'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { DeviceSignIn } from '../../server/auth/device-sign-in-schema.ts'
import type { DeviceRow } from '../../server/fleet/devices-schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { useDevices } from '../devices/use-devices.ts'
import { Button } from '../ui/button.tsx'
import { ComboboxField } from '../ui/combobox.tsx'
import { TextField } from '../ui/field.tsx'
import { Section } from '../ui/section.tsx'

type Of = Pick<DeviceRow, 'id' | 'name' | 'unitNumber'>

/** Networks from which alone a device's token and identity are taken. */
export function TokenNetworks({
  restricted,
  onChanged,
}: Pick<DeviceSignIn, 'restricted'> & { onChanged(): Promise<void> }) {
  const trpc = useTRPC()
  const { rows: devices } = useDevices()
  const [device, setDevice] = useState<Of | null>(null)
  const [sources, setSources] = useState('')
  const [asked, setAsked] = useState(false)
  const save = useMutation(
    trpc.deviceSignIn.setTokenSources.mutationOptions({
      onSuccess: async () => {
        setDevice(null)
        setSources('')
        setAsked(false)
        await onChanged()
      },
    }),
  )
  const choose = (chosen: Of | null) => {
    setDevice(chosen)
    setSources(restricted.find(({ deviceId }) => deviceId === chosen?.id)?.sources.join(', ') ?? '')
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    if (device) save.mutate({ deviceId: device.id, sources })
  }
  return (
    <Section title="Networks of tokens and identities">
      <div className="flex flex-col gap-4">
        <p className="max-w-prose text-muted text-sm">
          A device can be bound to the networks that it reports from: neither its token nor its identity is
          taken from elsewhere. Others’ are taken from anywhere. What a broker hands on can’t be bound.
        </p>
        {restricted.length > 0 && (
          <ul
            aria-label="Devices with networks"
            className="flex flex-col divide-y divide-line rounded-lg border border-line bg-surface"
          >
            {restricted.map((row) => (
              <li key={row.deviceId} className="flex items-center gap-3 p-3">
                <p className="min-w-0 flex-1 text-sm">
                  <span className="font-medium">{row.name}</span>{' '}
                  <span className="break-all text-muted text-xs">{row.sources.join(', ')}</span>
                </p>
                <Button
                  size="small"
                  aria-label={`Take ${row.name} from anywhere`}
                  busy={save.isPending && save.variables?.deviceId === row.deviceId}
                  onClick={() => save.mutate({ deviceId: row.deviceId, sources: '' })}
                >
                  From anywhere
                </Button>
              </li>
            ))}
          </ul>
        )}
        <form onSubmit={submit} noValidate className="flex flex-col items-start gap-3">
          <div className="grid w-full gap-3 md:grid-cols-2">
            <ComboboxField<Of>
              label="Device"
              placeholder="Name or unit number"
              items={devices ?? []}
              value={device}
              onChange={choose}
              labelOf={({ name, unitNumber }) => `${name} (truck ${unitNumber})`}
              isSame={(a, b) => a.id === b.id}
              error={asked && !device ? 'Choose the device.' : undefined}
            >
              {({ name, unitNumber }) => (
                <span className="flex w-full items-baseline gap-2">
                  <span className="font-medium">{name}</span>
                  <span className="text-muted text-xs">truck {unitNumber}</span>
                </span>
              )}
            </ComboboxField>
            <TextField
              label="Networks"
              hint="10.20.0.0/16, 2001:db8::/32; empty: from anywhere"
              value={sources}
              onChange={(event) => setSources(event.target.value)}
              error={save.error ? reasonOf(save.error) : undefined}
              autoComplete="off"
              spellCheck={false}
            />
          </div>
          <Button type="submit" busy={save.isPending}>
            Save the networks
          </Button>
        </form>
      </div>
    </Section>
  )
}
