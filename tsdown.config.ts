import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    errors: 'src/errors.ts',
    aws: 'src/aws.ts',
    alibaba: 'src/alibaba.ts',
    testing: 'src/testing/index.ts',
    providers: 'src/providers/index.ts',
    vault: 'src/vault/index.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: true,
  // The CLI's files lie in the same folder.
  clean: false,
  // The same files wherever `node_modules` really lies.
  inputOptions: { resolve: { symlinks: false } },
  // Bundled like the CLI's; the native parts stay optional and are loaded where they are installed.
  deps: {
    alwaysBundle: [/^(?!@napi-rs\/|fs-native-extensions|node:)/],
    neverBundle: [/^@napi-rs\/keyring/, 'fs-native-extensions'],
  },
})
