import { writeFileSync } from 'node:fs'

/** Writes counts of tests to the file in DAYPASS_TEST_REPORT; vitest's JSON omits why a test was skipped. */
export default class Report {
  onInit(vitest) {
    this.filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules, unhandled) {
    const path = process.env.DAYPASS_TEST_REPORT
    if (!path) return
    const report = { passed: 0, failed: 0, skipped: [], broken: unhandled.length }
    for (const module of modules) count(module, report, this.filtered)
    writeFileSync(path, JSON.stringify(report))
  }
}

function count(module, report, filtered) {
  // A file that cannot be loaded has no tests that could fail.
  if (module.errors().length > 0) report.broken += 1
  for (const test of module.children.allTests()) {
    const { state, note } = test.result()
    if (state === 'passed') report.passed += 1
    else if (state === 'failed') report.failed += 1
    // A test excluded by `-t` does not count as skipped.
    else if (note !== undefined || !filtered)
      report.skipped.push({
        name: `${module.relativeModuleId} > ${test.fullName}`,
        why: note ?? 'no reason given',
      })
  }
}
