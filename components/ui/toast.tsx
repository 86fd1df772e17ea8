'use client'
import { Toast as Base } from '@base-ui/react/toast'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { buttonClass } from './button.tsx'
import { cx } from './classes.ts'

/** Anything may speak through this, also what lives outside React. */
export const toasts = Base.createToastManager()

export interface ToastAction {
  label: string
  onPress(): void
}

const EDGE: Record<string, string> = {
  danger: 'border-l-danger-fill',
  warning: 'border-l-warning-fill',
  good: 'border-l-good-fill',
}

/** Says something for some seconds; the action, if any, can be pressed meanwhile. */
export function say(
  title: string,
  options: { detail?: string; tone?: 'danger' | 'warning' | 'good'; action?: ToastAction; id?: string } = {},
): void {
  const { detail, tone, action, id } = options
  toasts.add({
    ...(id ? { id } : {}),
    title,
    description: detail,
    type: tone,
    timeout: action ? 9_000 : 5_000,
    ...(action && { actionProps: { children: action.label, onClick: action.onPress } }),
  })
}

export function ToastRegion({ children }: { children: ReactNode }) {
  return (
    <Base.Provider toastManager={toasts} limit={3}>
      {children}
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-20 z-50 flex w-[calc(100vw-2rem)] max-w-96 flex-col gap-2 md:bottom-4">
          <ToastList />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function ToastList() {
  const manager = Base.useToastManager()
  return manager.toasts.map((toast) => (
    <Base.Root
      key={toast.id}
      toast={toast}
      swipeDirection={['right', 'down']}
      className={cx(
        'rounded-lg border border-line border-l-4 bg-raised text-ink shadow-float transition-opacity duration-200 data-ending-style:opacity-0 data-starting-style:opacity-0 data-limited:hidden',
        EDGE[toast.type ?? ''] ?? 'border-l-accent',
      )}
    >
      <Base.Content className="flex items-start gap-3 p-3 pl-3.5">
        <div className="min-w-0 flex-1">
          <Base.Title className="font-semibold text-sm" />
          <Base.Description className="mt-0.5 text-muted text-xs" />
          <Base.Action className={cx(buttonClass('plain', 'small'), 'mt-2')} />
        </div>
        {/* The library hides it from screen readers until somebody points at the toasts, though the keyboard reaches it. */}
        <Base.Close aria-hidden={false} aria-label="Dismiss" className={buttonClass('quiet', 'small', true)}>
          <X aria-hidden className="size-4" />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ))
}
