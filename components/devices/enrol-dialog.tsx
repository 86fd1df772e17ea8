'use client'
import { useMutation } from '@tanstack/react-query'
import { TRPCClientError } from '@trpc/client'
import Link from 'next/link'
import { type FormEvent, useState } from 'react'
import { identityFault, type Protocol } from '../../server/fleet/devices-schema.ts'
import type { VehicleRow } from '../../server/fleet/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { useLiveValue } from '../live/live.tsx'
import { Button, buttonClass } from '../ui/button.tsx'
import { ComboboxField } from '../ui/combobox.tsx'
import { TokenOnce } from '../ui/copy.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { SelectField, TextField } from '../ui/field.tsx'
import { SettingList } from './setting-list.tsx'
import { type Doors, KIND, KINDS, type Kind, kindsOf } from './settings.ts'

/** What is known already: of one that knocked. */
export interface EnrolFrom {
  protocol?: Protocol
  identity?: string
}

const IDENTITY: Record<Kind, { label: string; hint: string } | null> = {
  json: null,
  traccar: { label: 'Device identifier', hint: 'As the app shows it, or one that you choose.' },
  'owntracks-http': { label: 'Topic', hint: 'owntracks/user/device' },
  'owntracks-mqtt': { label: 'Topic', hint: 'owntracks/user/device, as the broker lets the phone publish.' },
  teltonika: { label: 'IMEI', hint: '15 digits on the label of the tracker.' },
}

/** Gives a truck its device: three or four fields, and then what to put into the device. */
export function EnrolDialog({
  doors,
  from,
  onClose,
  onEnrolled,
}: {
  doors: Doors
  from: EnrolFrom
  onClose(): void
  onEnrolled(): void
}) {
  const [done, setDone] = useState<Done | null>(null)
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={done ? `${done.name} is enrolled` : 'Enrol a device'}
      description={
        done
          ? 'What belongs into the device. The token is shown this once.'
          : 'It may report as soon as it is enrolled.'
      }
      className="md:w-[36rem]"
    >
      <div className="mt-4 min-h-0 overflow-auto border-line border-t px-5 py-4">
        {done ? (
          <Settings doors={doors} done={done} onClose={onClose} />
        ) : (
          <Form
            from={from}
            onDone={(enrolled) => {
              setDone(enrolled)
              onEnrolled()
            }}
          />
        )}
      </div>
    </Dialog>
  )
}

interface Done {
  id: number
  name: string
  kind: Kind
  identity: string | null
  token: string
}

function Form({ from, onDone }: { from: EnrolFrom; onDone(done: Done): void }) {
  const trpc = useTRPC()
  const vehicles = useLiveValue((store) => store.vehicles)
  const [vehicle, setVehicle] = useState<VehicleRow | null>(null)
  const [kind, setKind] = useState<Kind>(from.protocol ? kindsOf(from.protocol)[0]! : 'json')
  const [identity, setIdentity] = useState(from.identity ?? '')
  const [name, setName] = useState<string | null>(null)
  const [asked, setAsked] = useState(false)
  const enrol = useMutation(trpc.devices.enrol.mutationOptions())
  const field = enrol.error instanceof TRPCClientError ? enrol.error.data?.field : null
  const { protocol } = KIND[kind]
  const said = IDENTITY[kind] ? identity.trim() : ''
  const fault = identityFault(protocol, said)
  const proposed = vehicle ? `truck-${vehicle.unitNumber}` : ''
  const chosen = (name ?? proposed).trim()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAsked(true)
    if (!vehicle || fault || chosen === '') return
    enrol.mutate(
      { vehicleId: vehicle.id, name: chosen, protocol, identity: said },
      {
        onSuccess: ({ id, token }) => onDone({ id, token, kind, name: chosen, identity: said || null }),
      },
    )
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
      <ComboboxField
        label="Truck"
        placeholder="Unit number"
        items={[...vehicles.values()]}
        value={vehicle}
        onChange={(chosenOne) => setVehicle(chosenOne)}
        labelOf={({ unitNumber }) => unitNumber}
        isSame={(a, b) => a.id === b.id}
        error={asked && !vehicle ? 'Choose the truck that it is in.' : undefined}
      >
        {({ unitNumber, deviceName }) => (
          <span className="flex w-full items-baseline gap-2">
            <span className="font-medium">{unitNumber}</span>
            <span className="text-muted text-xs">{deviceName ? `has ${deviceName}` : 'has no device'}</span>
          </span>
        )}
      </ComboboxField>
      <SelectField label="Device" value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
        {KINDS.map((value) => (
          <option key={value} value={value}>
            {KIND[value].title}: {KIND[value].means}
          </option>
        ))}
      </SelectField>
      {IDENTITY[kind] && (
        <TextField
          {...IDENTITY[kind]}
          value={identity}
          onChange={(event) => setIdentity(event.target.value)}
          inputMode={kind === 'teltonika' ? 'numeric' : undefined}
          autoComplete="off"
          spellCheck={false}
          error={(asked || (kind === 'teltonika' && said.length >= 15)) && fault}
        />
      )}
      <TextField
        label="Name"
        hint={kind === 'json' ? 'Also what it must call itself in its heartbeats.' : 'As the fleet calls it.'}
        value={name ?? proposed}
        onChange={(event) => setName(event.target.value)}
        autoComplete="off"
        error={
          asked && chosen === '' ? 'Give it a name.' : field === 'name' ? reasonOf(enrol.error) : undefined
        }
      />
      {enrol.error && field !== 'name' && (
        <p role="alert" className="text-danger text-sm">
          {reasonOf(enrol.error)}
        </p>
      )}
      <Button type="submit" tone="primary" busy={enrol.isPending} className="self-end">
        Enrol
      </Button>
    </form>
  )
}

function Settings({ doors, done, onClose }: { doors: Doors; done: Done; onClose(): void }) {
  return (
    <div className="flex flex-col gap-4">
      {done.kind !== 'teltonika' && done.kind !== 'owntracks-mqtt' && <TokenOnce token={done.token} />}
      <SettingList kind={done.kind} doors={doors} device={done} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>Close</Button>
        <Link href={`/devices/${done.id}?test=true`} className={buttonClass('primary')}>
          Test it now
        </Link>
      </div>
    </div>
  )
}
