import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import vm from 'node:vm'
import { build } from 'esbuild'
import { evaluate } from './evaluate.ts'
import { explain } from './explain.ts'
import type { DutyEvent } from './types.ts'

const ROOM = import.meta.dirname

describe('the engine alone', () => {
  test('bundled for a browser it needs nothing of Node and says the same', async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: "export * from './evaluate.ts'; export * from './explain.ts'; export * from './trip.ts'",
        resolveDir: ROOM,
      },
      bundle: true,
      format: 'iife',
      globalName: 'hos',
      platform: 'browser',
      write: false,
      metafile: true,
    })
    for (const input of Object.keys(metafile.inputs)) {
      assert.match(input, /^(<stdin>|server\/(hos|time)\/[\w/-]+\.ts)$/)
    }
    // Of what a browser has, this world holds the language alone: no process, no require, no network.
    const world: { hos?: { evaluate: typeof evaluate; explain: typeof explain } } = {}
    vm.runInNewContext(`${outputFiles[0]!.text}; this.hos = hos`, world)
    const log: DutyEvent[] = [{ at: Date.UTC(2026, 2, 2, 12), status: 'D' }]
    const options = { timeZone: 'America/Chicago', dayStartMinutes: 0 }
    const asOf = Date.UTC(2026, 2, 3)
    const there = world.hos!.evaluate(log, 'us-property-70-8', options, asOf)
    const here = evaluate(log, 'us-property-70-8', options, asOf)
    assert.equal(JSON.stringify(there), JSON.stringify(here))
    assert.equal(
      world.hos!.explain(there.violations[0]!, options.timeZone),
      explain(here.violations[0]!, options.timeZone),
    )
  })

  test('the README’s example says what it says there', async () => {
    const readme = fs.readFileSync(path.join(ROOM, 'README.md'), 'utf8')
    const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!
    const [, code, said] = /^([\s\S]*)\n(explain\([\s\S]*?\))\n\/\/ ("[^\n]*")\n$/
      .exec(example)!
      .slice(0) as string[]
    const { outputFiles } = await build({
      stdin: { contents: `${code}\nexport const sentence = ${said}`, resolveDir: ROOM, loader: 'ts' },
      bundle: true,
      format: 'iife',
      globalName: 'example',
      write: false,
    })
    const world: { sentence?: string } = {}
    vm.runInNewContext(`${outputFiles[0]!.text}; this.sentence = example.sentence`, world)
    assert.equal(JSON.stringify(world.sentence), /\/\/ ("[^\n]*")\n$/.exec(example)![1])
  })
})
