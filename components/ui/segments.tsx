import { cx } from './classes.ts'

export interface Segment<T extends string> {
  value: T
  label: string
  count?: number
}

/** One of a few, side by side: radio buttons that look like a switch. */
export function Segments<T extends string>({
  label,
  name,
  value,
  onChange,
  options,
}: {
  label: string
  name: string
  value: T
  onChange(value: T): void
  options: readonly Segment<T>[]
}) {
  return (
    <fieldset className="inline-flex min-w-0 max-w-full flex-wrap self-start rounded-md bg-sunken p-0.5">
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className={cx(
            'flex h-7 cursor-pointer items-center gap-1 whitespace-nowrap rounded px-2 font-medium text-xs has-focus-visible:outline-2 has-focus-visible:outline-accent',
            value === option.value
              ? 'bg-surface text-ink shadow-[0_1px_2px_rgb(0_0_0/0.14)]'
              : 'text-muted hover:text-ink',
          )}
        >
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={value === option.value}
            onChange={() => onChange(option.value)}
            className="sr-only"
          />
          {option.label}
          {option.count !== undefined && (
            <span className="text-faint tabular-nums">{option.count.toLocaleString('en-US')}</span>
          )}
        </label>
      ))}
    </fieldset>
  )
}
