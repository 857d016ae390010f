// Stands in for `import.meta.url` in a CommonJS bundle; pure, so a bundle that does not ask for it is without it.
export const importMetaUrl = /* @__PURE__ */ (() => require('node:url').pathToFileURL(__filename).href)()
