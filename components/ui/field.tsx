import { ChevronDown } from 'lucide-react'
import { type ComponentProps, type ReactNode, useId } from 'react'
import { cx } from './classes.ts'

const CONTROL =
  'h-9 w-full rounded-md border border-line-strong/70 bg-surface px-3 text-sm text-ink placeholder:text-faint ' +
  'hover:border-line-strong aria-invalid:border-danger-fill disabled:opacity-60'

export interface FieldProps {
  label: ReactNode
  /** Keeps the label for screen readers only. */
  labelHidden?: boolean
  hint?: ReactNode
  error?: ReactNode
  className?: string
  children: (control: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode
}

/** A label, a control, and what there is to say about it; the three are tied together. */
export function Field({ label, labelHidden, hint, error, className, children }: FieldProps) {
  const id = useId()
  const notes = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ')
  return (
    <div className={cx('flex flex-col gap-1.5', className)}>
      <label htmlFor={id} className={labelHidden ? 'sr-only' : 'font-medium text-muted text-xs'}>
        {label}
      </label>
      {children({
        id,
        ...(notes && { 'aria-describedby': notes }),
        ...(error ? { 'aria-invalid': true as const } : {}),
      })}
      {error && (
        <p id={`${id}-error`} className="text-danger text-xs">
          {error}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-faint text-xs">
          {hint}
        </p>
      )}
    </div>
  )
}

type Said = Pick<FieldProps, 'label' | 'labelHidden' | 'hint' | 'error'>

export function TextField({
  label,
  labelHidden,
  hint,
  error,
  className,
  ...rest
}: Said & ComponentProps<'input'>) {
  return (
    <Field label={label} labelHidden={labelHidden} hint={hint} error={error} className={className}>
      {(control) => <input className={CONTROL} {...control} {...rest} />}
    </Field>
  )
}

/** A choice from a short list; the platform's own, so that it is at home on a phone. */
export function SelectField({
  label,
  labelHidden,
  hint,
  error,
  className,
  small,
  children,
  ...rest
}: Said & ComponentProps<'select'> & { small?: boolean }) {
  return (
    <Field label={label} labelHidden={labelHidden} hint={hint} error={error} className={className}>
      {(control) => (
        <span className="relative block">
          <select
            className={cx(CONTROL, 'appearance-none pr-8', small && 'h-8 pl-2.5 text-xs')}
            {...control}
            {...rest}
          >
            {children}
          </select>
          <ChevronDown
            aria-hidden
            className="pointer-events-none absolute top-1/2 right-2.5 size-4 -translate-y-1/2 text-faint"
          />
        </span>
      )}
    </Field>
  )
}

/** Yes or no, of a form that is read when it is sent. */
export function Tick({ name, label, on }: { name: string; label: string; on: boolean }) {
  return (
    <label className="flex min-h-6 items-center gap-2 text-sm">
      <input type="checkbox" name={name} defaultChecked={on} className="size-4 accent-accent" />
      {label}
    </label>
  )
}
