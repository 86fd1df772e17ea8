import { Plus, X } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/field.tsx'
import type { Border, Question } from './question.ts'
import { isRulesetId, RULESET_IDS, RULESETS } from './rulesets.ts'

/** Where the rules change along the log: borders, carriers. */
export function Borders({
  borders,
  ruleset,
  faults,
  onChange,
}: {
  borders: readonly Border[]
  ruleset: Question['ruleset']
  faults: readonly (string | null)[]
  onChange(borders: readonly Border[]): void
}) {
  const set = (index: number, part: Partial<Border>) =>
    onChange(borders.map((one, i) => (i === index ? { ...one, ...part } : one)))
  const titles = borders.map((_, i) => `Change of rules ${i + 1}`)
  const last = borders.at(-1)?.ruleset ?? ruleset
  const next = last.startsWith('us-')
    ? 'ca-south-70-7'
    : last.startsWith('ca-')
      ? 'us-property-70-8'
      : 'gb-domestic'
  return (
    <div className="flex flex-col gap-3">
      {borders.map((border, i) => (
        <fieldset key={titles[i]} className="flex flex-col gap-2 rounded-md border border-line p-3">
          <legend className="px-1 font-medium text-xs">{titles[i]}</legend>
          <TextField
            label="From"
            type="datetime-local"
            value={border.at}
            error={faults[i]}
            onChange={({ target: { value } }) => set(i, { at: value })}
          />
          <SelectField
            label="Rules from then on"
            value={border.ruleset}
            onChange={({ target: { value } }) => isRulesetId(value) && set(i, { ruleset: value })}
          >
            {RULESET_IDS.map((id) => (
              <option key={id} value={id}>
                {RULESETS[id].title}
              </option>
            ))}
          </SelectField>
          <Button
            size="small"
            tone="quiet"
            className="self-start"
            onClick={() => onChange(borders.filter((_, other) => other !== i))}
          >
            <X aria-hidden className="size-3.5" />
            Take change {i + 1} away
          </Button>
        </fieldset>
      ))}
      <Button
        size="small"
        className="self-start"
        onClick={() => onChange([...borders, { at: '', ruleset: next }])}
      >
        <Plus aria-hidden className="size-3.5" />
        Rules change at a border
      </Button>
    </div>
  )
}
