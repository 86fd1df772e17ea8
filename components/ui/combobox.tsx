'use client'
import { Combobox as Base } from '@base-ui/react/combobox'
import { ChevronDown } from 'lucide-react'
import type { ReactNode } from 'react'
import { Field } from './field.tsx'

/** A longer list shows its first matches only; nobody scrolls through ten thousand names. */
const SHOWN = 60

/** One of many, found by typing a part of its name. */
export function ComboboxField<T>({
  label,
  placeholder,
  error,
  items,
  value,
  onChange,
  labelOf,
  isSame,
  children,
}: {
  label: string
  placeholder?: string
  error?: ReactNode
  items: readonly T[]
  value: T | null
  onChange(value: T | null): void
  /** What is typed to find it, and stands in the field once it is chosen. */
  labelOf(item: T): string
  isSame(a: T, b: T): boolean
  /** How an item looks in the list. */
  children(item: T): ReactNode
}) {
  return (
    <Field label={label} error={error}>
      {(control) => (
        <Base.Root
          items={items}
          value={value}
          onValueChange={(item: T | null) => onChange(item)}
          itemToStringLabel={labelOf}
          isItemEqualToValue={isSame}
          limit={SHOWN}
          autoHighlight
        >
          <span className="relative block">
            <Base.Input
              {...control}
              placeholder={placeholder}
              className="h-9 w-full rounded-md border border-line-strong/70 bg-surface pr-8 pl-3 text-ink text-sm placeholder:text-faint hover:border-line-strong aria-invalid:border-danger-fill"
            />
            <Base.Trigger
              aria-label={`Show: ${label}`}
              className="absolute top-1/2 right-1.5 grid size-6 -translate-y-1/2 place-items-center rounded text-faint hover:text-ink"
            >
              <ChevronDown aria-hidden className="size-4" />
            </Base.Trigger>
          </span>
          <Base.Portal>
            <Base.Positioner sideOffset={4} className="z-50 outline-none">
              <Base.Popup className="max-h-72 w-(--anchor-width) overflow-auto rounded-lg border border-line bg-raised p-1 shadow-float outline-none">
                <Base.Empty className="px-2.5 py-1.5 text-muted text-sm empty:hidden">
                  Nothing is called that.
                </Base.Empty>
                <Base.List>
                  {(item: T) => (
                    <Base.Item
                      key={labelOf(item)}
                      value={item}
                      className="flex cursor-pointer select-none items-center gap-2.5 rounded px-2.5 py-1.5 text-ink text-sm outline-none data-highlighted:bg-hover"
                    >
                      {children(item)}
                    </Base.Item>
                  )}
                </Base.List>
              </Base.Popup>
            </Base.Positioner>
          </Base.Portal>
        </Base.Root>
      )}
    </Field>
  )
}
