import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `node_modules/a/node_modules/@b/c/lib/d.js` → `node_modules/a/node_modules/@b/c`. */
const packageFolder = (path) => path.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]

function licenceText(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
  return names.map((name) => readFileSync(join(folder, name), 'utf8').trim()).join('\n\n')
}

function chapter(root, folder) {
  const file = join(root, folder, 'package.json')
  if (!existsSync(file)) throw new Error(`${folder} was bundled and has no package.json`)
  const { name, version, license } = JSON.parse(readFileSync(file, 'utf8'))
  const text = licenceText(join(root, folder)) || `(the package carries no licence text)`
  return `${name} ${version} (${license ?? 'no licence named'})\n\n${text}\n`
}

/** Returns the licence texts of every package whose code is in the bundles that `metafiles` describe. */
export function thirdPartyText(root, metafiles) {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((output) => Object.keys(output.inputs)),
  )
  const folders = [...new Set(inputs.map(packageFolder).filter(Boolean))].sort()
  const rule = `\n${'-'.repeat(78)}\n\n`
  const head = 'daypass contains code of these packages. Their licences:\n'
  return [head, ...folders.map((folder) => chapter(root, folder))].join(rule)
}
