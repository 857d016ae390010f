// Replaces `import.meta.url` in a CommonJS bundle. It is pure, so a bundle that does not use it omits it.
export const importMetaUrl = /* @__PURE__ */ (() => require('node:url').pathToFileURL(__filename).href)()
