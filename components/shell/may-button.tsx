'use client'
import { useId } from 'react'
import { type Action, whyNot } from '../../server/auth/can.ts'
import { Button, type ButtonProps } from '../ui/button.tsx'
import { Tooltip } from '../ui/tooltip.tsx'
import { useViewer } from './viewer.tsx'

/** Why the person who looks may not do this; null if they may. */
export function useWhyNot(action: Action): string | null {
  return whyNot(useViewer().user.role, action)
}

/** A button for those whose role may; for others it stays where it is, can be reached, and says who may. */
export function MayButton({ action, ...rest }: ButtonProps & { action: Action }) {
  return <BlockedButton why={useWhyNot(action)} {...rest} />
}

/** A button that says why it does nothing, to the pointer, the keyboard and the screen reader alike; with no reason it is one. */
export function BlockedButton({ why, children, ...rest }: ButtonProps & { why: string | null }) {
  const id = useId()
  const blocked = why !== null && ({ type: 'button', 'aria-disabled': true, 'aria-describedby': id } as const)
  // The same button with a reason and without one: the focus stays when it changes.
  return (
    <>
      <Tooltip text={why}>
        <Button {...rest} {...blocked} onClick={blocked ? undefined : rest.onClick}>
          {children}
        </Button>
      </Tooltip>
      <span id={id} hidden>
        {why}
      </span>
    </>
  )
}
