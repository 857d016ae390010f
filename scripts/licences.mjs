import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** `node_modules/a/node_modules/@b/c/lib/d.js` → `node_modules/a/node_modules/@b/c`. */
const packageFolder = (path) => path.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]

const mit = (holder) => `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

/** Works of others inside a package, whose licence the package does not carry. */
const INSIDE = [
  { path: /\/undici\/lib\/llhttp\//, text: `llhttp:\n\n${mit('2018 Fedor Indutny')}` },
  {
    path: /\/undici\/lib\/web\/websocket\//,
    text: `ws:\n\n${mit('2011 Einar Otto Stangvik\nCopyright (c) 2013 Arnout Kazemier and contributors\nCopyright (c) 2016 Luigi Pinca and contributors')}`,
  },
  {
    path: /\/tldts\//,
    text: `The Public Suffix List (https://publicsuffix.org/list/public_suffix_list.dat), in another form, is subject to the
terms of the Mozilla Public License 2.0: https://mozilla.org/MPL/2.0/`,
  },
]

function licencesIn(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
  return names.map((name) => readFileSync(join(folder, name), 'utf8').trim())
}

/** The folder of a file and those above it, down from that of its package. */
function foldersOf(path) {
  const top = packageFolder(path)
  const folders = []
  for (let folder = dirname(path); folder.length >= top.length; folder = dirname(folder))
    folders.unshift(folder)
  return folders
}

/** Some packages name their licence and do not carry its text. */
function writtenOut(folder, { license, author }) {
  const holder = typeof author === 'object' ? author.name : author
  if (license !== 'MIT' || !holder)
    throw new Error(`${folder} was bundled, and there is no text of its licence (${license})`)
  return mit(holder.replace(/ [<(].*/, ''))
}

function chapter(root, folder, paths) {
  const file = join(root, folder, 'package.json')
  if (!existsSync(file)) throw new Error(`${folder} was bundled and has no package.json`)
  const about = JSON.parse(readFileSync(file, 'utf8'))
  const folders = [...new Set([folder, ...paths.flatMap(foldersOf)])]
  const own = licencesIn(join(root, folder))
  const texts = [
    ...(own.length > 0 ? own : [writtenOut(folder, about)]),
    ...folders.slice(1).flatMap((each) => licencesIn(join(root, each))),
    ...INSIDE.filter(({ path }) => paths.some((each) => path.test(each))).map(({ text }) => text),
  ]
  return `${about.name} ${about.version} (${about.license ?? 'no licence named'})\n\n${texts.join('\n\n')}\n`
}

/** Returns the licence texts of every package whose code is in the bundles that `metafiles` describe. */
export function thirdPartyText(root, metafiles) {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((output) => Object.keys(output.inputs)),
  )
  const bundled = [...new Set(inputs.filter(packageFolder))]
  const folders = [...new Set(bundled.map(packageFolder))].sort()
  const rule = `\n${'-'.repeat(78)}\n\n`
  const head = 'daypass contains code of these packages. Their licences:\n'
  const filesOf = (folder) => bundled.filter((path) => packageFolder(path) === folder)
  return [head, ...folders.map((folder) => chapter(root, folder, filesOf(folder)))].join(rule)
}
