// Scores results of http-cache-tests as its own pages do: a test counts when it passed and all that it depends on passed.
// usage: node score.mjs PACKAGE_FOLDER RESULTS.json; prints {"required": {"passed": […], "failed": […]}, "optimal": {…}}.
import fs from 'fs'
import path from 'path'
import { pathToFileURL } from 'url'

const [folder, file] = process.argv.slice(2)
const load = (name) => import(pathToFileURL(path.resolve(folder, name)))
const suites = [...(await load('tests/index.mjs')).default, (await load('tests/surrogate-control.mjs')).default]
const { determineTestResult } = await load('lib/display.mjs')
const results = JSON.parse(fs.readFileSync(file, 'utf8'))

const score = { required: { passed: [], failed: [] }, optimal: { passed: [], failed: [] } }
for (const test of suites.flatMap((suite) => suite.tests)) {
  const kind = score[test.kind ?? 'required']
  if (!kind || test.browser_only) continue
  const verdict = determineTestResult(suites, test.id, results)[2]
  if (verdict === '✅') kind.passed.push(test.id)
  else kind.failed.push({ id: test.id, verdict, said: results[test.id]?.[1] ?? '' })
}
console.log(JSON.stringify(score, null, 1))
