'use client'
import { useMutation } from '@tanstack/react-query'
import { BedDouble, Briefcase, CirclePause, Ellipsis } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { DriverRow, SettableStatus } from '../../server/logs/schema.ts'
import { reasonOf, useTRPC } from '../api.tsx'
import { useLive } from '../live/live.tsx'
import { STATUS_WORDS } from '../logs/clocks.ts'
import { useWhyNot } from '../shell/may-button.tsx'
import { Button, buttonClass, IconButton } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { TextField } from '../ui/field.tsx'
import { Menu, MenuItem } from '../ui/menu.tsx'
import { say } from '../ui/toast.tsx'

const CHOICES = [
  { status: 'OFF', icon: CirclePause },
  { status: 'SB', icon: BedDouble },
  { status: 'ON', icon: Briefcase },
] as const

/** Sets a driver's status from now on; the log says who did, and why. */
export function SetStatusMenu({ driver }: { driver: DriverRow }) {
  const [chosen, setChosen] = useState<SettableStatus | null>(null)
  const why = useWhyNot('duty.set')
  if (why !== null) {
    return (
      <IconButton aria-disabled label={`Set the status of ${driver.name}. ${why}`}>
        <Ellipsis aria-hidden className="size-4" />
      </IconButton>
    )
  }
  return (
    <>
      <Menu
        label={`Set the status of ${driver.name}`}
        trigger={
          <button type="button" className={buttonClass('quiet', 'small', true)}>
            <Ellipsis aria-hidden className="size-4" />
          </button>
        }
      >
        {CHOICES.filter(({ status }) => status !== driver.status).map(({ status, icon: Icon }) => (
          <MenuItem key={status} onSelect={() => setChosen(status)}>
            <Icon aria-hidden className="size-4 text-faint" />
            {STATUS_WORDS[status]} from now
          </MenuItem>
        ))}
      </Menu>
      <Dialog
        open={chosen !== null}
        onOpenChange={(open) => !open && setChosen(null)}
        title={chosen ? `Set ${driver.name} to “${STATUS_WORDS[chosen]}”` : ''}
        description="It goes into the driver’s log with your name and your reason, and counts from now."
      >
        {chosen && <Confirm driver={driver} status={chosen} onDone={() => setChosen(null)} />}
      </Dialog>
    </>
  )
}

function Confirm({ driver, status, onDone }: { driver: DriverRow; status: SettableStatus; onDone(): void }) {
  const trpc = useTRPC()
  const live = useLive()
  const [annotation, setAnnotation] = useState('')
  const { mutate, isPending, error } = useMutation(
    trpc.logs.setStatus.mutationOptions({
      onSuccess: (row) => {
        live.putDriver(row)
        say(`${driver.name}: ${STATUS_WORDS[row.status].toLowerCase()}`, { tone: 'good' })
        onDone()
      },
    }),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    mutate({ driverId: driver.driverId, status, annotation })
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4 p-5">
      <TextField
        label="Why"
        required
        minLength={4}
        maxLength={60}
        value={annotation}
        onChange={(event) => setAnnotation(event.target.value)}
        error={error && reasonOf(error)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Cancel</Button>
        <Button type="submit" tone="primary" busy={isPending}>
          Set status
        </Button>
      </div>
    </form>
  )
}
