/** What a program in a file is run with: what runs this one, which need not be a `node`. */
export type ScriptHost = {
  /** What its environment needs besides. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether it can run none: whatever it is given, it runs the program that it has in itself. */
  readonly isClosed: boolean;
};

/** What of `process` says it. */
export type HostProcess = {
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly getBuiltinModule: (name: string) => object | undefined;
};

/** @see {@link https://www.electronjs.org/docs/latest/api/environment-variables#electron_run_as_node | Electron} */
export function scriptHost({ versions, getBuiltinModule }: HostProcess): ScriptHost {
  const sea = getBuiltinModule('node:sea') as { readonly isSea?: () => boolean } | undefined;
  return {
    environment: versions['electron'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' },
    isClosed: sea?.isSea?.() === true,
  };
}
