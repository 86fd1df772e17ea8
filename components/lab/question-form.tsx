'use client'
import { ChevronRight } from 'lucide-react'
import { useId, useMemo, useState } from 'react'
import { SelectField, TextField } from '../ui/field.tsx'
import { Borders } from './borders.tsx'
import { FLAG_WORDS, isFlag, type LabOptions, LIST_WORDS, NO_OPTIONS } from './options.ts'
import { type Question, type ReadQuestion, sentence } from './question.ts'
import { isRulesetId, type OptionId, RULESET_IDS, RULESETS } from './rulesets.ts'

/** Ruleset, zone, day, the instant asked about, and the circumstances that the ruleset asks for. */
export function QuestionForm({
  question,
  read,
  onChange,
}: {
  question: Question
  read: ReadQuestion
  onChange(change: Partial<Question>): void
}) {
  const zonesId = useId()
  const zones = useMemo(() => Intl.supportedValuesOf('timeZone'), [])
  const { ruleset, timeZone, dayStart, asOf, options } = question
  const setOption = (change: Partial<LabOptions>) => onChange({ options: { ...options, ...change } })
  // Without a crew there is nothing to say about a crew's rest.
  const asked = [
    ...new Set(
      [ruleset, ...question.borders.map((one) => one.ruleset)].flatMap((one) => RULESETS[one].options),
    ),
  ].filter((id) => id !== 'crewReducedRestCounts' || options.multiManning)
  return (
    <div className="flex flex-col gap-3">
      <SelectField
        label="Rules"
        value={ruleset}
        onChange={({ target: { value } }) => isRulesetId(value) && onChange({ ruleset: value })}
      >
        {RULESET_IDS.map((id) => (
          <option key={id} value={id}>
            {RULESETS[id].title}
          </option>
        ))}
      </SelectField>
      <div className="grid grid-cols-[1fr_8rem] items-start gap-3">
        <TextField
          label="Home terminal’s zone"
          list={zonesId}
          value={timeZone}
          autoComplete="off"
          spellCheck={false}
          error={read.zoneFault}
          onChange={({ target: { value } }) => onChange({ timeZone: value })}
        />
        <datalist id={zonesId}>
          {zones.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <TextField
          label="Day starts at"
          type="time"
          value={dayStart}
          error={read.dayStartFault}
          onChange={({ target: { value } }) => onChange({ dayStart: value })}
        />
      </div>
      <TextField
        label="As of"
        type="datetime-local"
        value={asOf}
        error={read.asOfFault}
        hint="Local time; the last event if nothing is said."
        onChange={({ target: { value } }) => onChange({ asOf: value })}
      />
      <Borders
        borders={question.borders}
        ruleset={ruleset}
        faults={read.borderFaults}
        onChange={(borders) => onChange({ borders })}
      />
      <Circumstances {...{ asked, options, read }} onChange={setOption} />
    </div>
  )
}

/** What is seldom said: folded away unless there is something in it, and open while something is wrong in it. */
function Circumstances({
  asked,
  options,
  read,
  onChange,
}: {
  asked: readonly OptionId[]
  options: LabOptions
  read: ReadQuestion
  onChange(change: Partial<LabOptions>): void
}) {
  const said = asked.filter((id) => options[id] !== NO_OPTIONS[id]).length
  const [open, setOpen] = useState(said > 0)
  const faulty = Object.keys(read.options.faults).length > 0
  const flags = asked.filter(isFlag)
  return (
    <details
      open={open || faulty}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      className="group -mx-1 rounded-md px-1"
    >
      <summary className="flex cursor-pointer list-none items-center gap-1.5 rounded py-1 font-medium [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-4 text-faint group-open:rotate-90" />
        Circumstances
        <span className="font-normal text-muted text-xs">{said === 0 ? 'none' : `${said} said`}</span>
      </summary>
      <div className="flex flex-col gap-3 pt-2">
        {flags.map((id) => (
          <label key={id} className="flex cursor-pointer items-start gap-2">
            <input
              type="checkbox"
              checked={options[id]}
              onChange={({ target: { checked } }) => onChange({ [id]: checked })}
              className="mt-0.5 size-4 shrink-0"
            />
            {FLAG_WORDS[id]}
          </label>
        ))}
        {asked.map((id) => isFlag(id) || <ListOption key={id} {...{ id, options, read, onChange }} />)}
      </div>
    </details>
  )
}

function ListOption({
  id,
  options,
  read,
  onChange,
}: {
  id: Exclude<OptionId, keyof typeof FLAG_WORDS>
  options: LabOptions
  read: ReadQuestion
  onChange(change: Partial<LabOptions>): void
}) {
  const { label, hint, placeholder } = LIST_WORDS[id]
  const fault = read.options.faults[id]
  return (
    <TextField
      label={label}
      hint={hint}
      placeholder={placeholder}
      value={options[id]}
      autoComplete="off"
      error={fault && sentence(fault)}
      onChange={({ target: { value } }) => onChange({ [id]: value })}
    />
  )
}
