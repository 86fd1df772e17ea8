/** One line of a benchmark: the ratio is against the baseline measured in the same run. */
export interface BenchLine {
  name: string
  value: number
  unit: string
  baseline: { name: string; value: number; unit: string }
  ratio: number
}

type Bench = (print: (line: object) => void, options: string[]) => Promise<void>

/** What `npm run -s bench -- NAME [options]` can measure; each benchmark lives beside the code that it guards. */
const BENCHES: Record<string, () => Promise<Bench>> = {
  'ingest-batch': async () => (await import('../ingest/ingest.bench.ts')).benchIngestBatch,
  'ingest-single': async () => (await import('../ingest/ingest.bench.ts')).benchIngestSingle,
  'ingest-growth': async () => (await import('../ingest/growth.bench.ts')).benchIngestGrowth,
  reconnect: async () => (await import('../ingest/reconnect.bench.ts')).benchReconnect,
  auth: async () => (await import('../auth/auth.bench.ts')).benchAuth,
  storage: async () => (await import('../ingest/ingest.bench.ts')).benchStorage,
  trips: async () => (await import('../trips/trips.bench.ts')).benchTrips,
  hos: async () => (await import('../hos/hos.bench.ts')).benchHos,
  'map-page': async () => (await import('../../components/fleet/map-page.bench.ts')).benchMapPage,
  map: async () => (await import('../../components/map/map.bench.ts')).benchMap,
}

const [name = '', ...options] = process.argv.slice(2)
const load = BENCHES[name]
if (!load) {
  console.error(`usage: npm run -s bench -- NAME [options] (names: ${Object.keys(BENCHES).join(', ')})`)
  process.exit(2)
}
const bench = await load()
await bench((line) => console.log(JSON.stringify(line)), options)
process.exit(0)
