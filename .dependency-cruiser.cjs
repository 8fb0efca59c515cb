/**
 * Which file may import which. Type-only imports count: a cycle of types is still two files that cannot be read apart.
 *
 * Inside `packages/auth/src` imports point inward:
 *
 *   create-auth-manager, index → adapters → manager → ports → token (the leaves)
 *
 * A file that is in none of the lists below is in the manager layer.
 */

const AUTH = '^packages/auth/src/';

/** Values and rules with no I/O and no port: what the other layers are written in. */
const LEAF =
  AUTH +
  '(auth-token|secret|scope|token-key|fingerprint|grant-record|auth-error|lazily|token-request-error|auth-event|cache-notice|dpop-nonces|dpop-proof|dpop-headers|request-body|redirected-request)[.]ts$';
const PURE_POLICY = AUTH + 'refresh-policy[.]ts$';
const PORTS = AUTH + '(ports|stored-login|clock|auth-manager)[.]ts$';
/** Concrete adapters: named only by the composition root. */
const CONCRETE = AUTH + '(providers|caches)/';
const ADAPTERS = [CONCRETE, AUTH + '(authenticated-fetch|(load-)?proved-requests)[.]ts$'];
/** The last two load adapters late. */
const COMPOSITION_ROOT =
  AUTH + '(create-auth-manager|auth-config-from-login|index|late-providers|providers-side)[.]ts$';

const SRC = '^(packages/[^/]+|examples)/src/';
const TEST = '(^e2e/|/test/)';
const ROOT_TOOLS = '(^|/)node_modules/(vitest|fast-check|typescript)/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that import each other are one file in two places. Types count too.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'A source file that imports nothing and that nothing imports is dead.',
      from: { orphan: true, path: SRC, pathNot: '[.]d[.]ts$' },
      to: {},
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'The import leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },

    {
      name: 'auth-stands-alone',
      severity: 'error',
      comment: 'The library knows nothing of the command line or of the local API.',
      from: { path: '^packages/auth/' },
      to: { path: '^(packages/(cli|local-api)|examples|e2e)/' },
    },
    {
      name: 'local-api-is-an-honest-peer',
      severity: 'error',
      comment:
        'The local API is written against the contract; sharing code with its client would hide mistakes.',
      from: { path: '^packages/local-api/' },
      to: { path: '^(packages/(cli|auth)|examples|e2e)/' },
    },
    {
      name: 'cli-imports-packages-only',
      severity: 'error',
      comment: 'The command line uses the two packages, never examples or tests.',
      from: { path: '^packages/cli/' },
      to: { path: '^(examples|e2e)/' },
    },
    {
      name: 'cli-is-a-program',
      severity: 'error',
      comment: 'It is run, never imported.',
      from: { pathNot: '^packages/cli/' },
      to: { path: '^packages/cli/' },
    },
    {
      name: 'local-api-only-in-dev-command',
      severity: 'error',
      comment: 'A server has no place in the start-up of the other commands. Types are free.',
      from: { path: '^packages/cli/src/', pathNot: ['/dev[.]ts$', '/dev-[a-z-]+[.]ts$', '/dev/'] },
      to: { path: '^packages/local-api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'local-api-is-loaded-lazily',
      severity: 'error',
      comment: 'Load it with `await import()`, so that only `km dev` pays for it. Types are free.',
      from: { path: '^packages/cli/src/' },
      to: { path: '^packages/local-api/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    },
    {
      name: 'packages-by-their-entry',
      severity: 'error',
      comment:
        'Other packages see what `index.ts` exports, and nothing else. Tests may stand on the same support.',
      from: { path: '^(packages/([^/]+)|examples|e2e)/' },
      to: {
        path: '^packages/(auth|local-api)/',
        pathNot: ['^packages/$2/', '^packages/[^/]+/src/index[.]ts$', '^packages/[^/]+/test/support/'],
      },
    },

    {
      name: 'auth-leaves-import-leaves',
      severity: 'error',
      comment: 'The token layer is at the centre: it imports nothing but itself.',
      from: { path: LEAF },
      to: { path: AUTH, pathNot: LEAF },
    },
    {
      name: 'auth-policy-is-pure',
      severity: 'error',
      comment: 'refresh-policy decides; it does no I/O and knows no port.',
      from: { path: PURE_POLICY },
      to: { pathNot: LEAF },
    },
    {
      name: 'auth-ports-import-leaves',
      severity: 'error',
      comment: 'A port speaks in values of the token layer.',
      from: { path: PORTS },
      to: { path: AUTH, pathNot: [LEAF, PORTS] },
    },
    {
      name: 'auth-manager-knows-no-adapter',
      severity: 'error',
      comment: 'The manager works through ports, so that any provider and any cache will do.',
      from: { path: AUTH, pathNot: [...ADAPTERS, COMPOSITION_ROOT] },
      to: { path: ADAPTERS },
    },
    {
      name: 'auth-adapters-know-no-root',
      severity: 'error',
      comment: 'Only the program (or index.ts) starts at the composition root.',
      from: { path: AUTH, pathNot: COMPOSITION_ROOT },
      to: { path: COMPOSITION_ROOT },
    },
    {
      name: 'auth-concrete-adapters-in-root-only',
      severity: 'error',
      comment:
        'Only the composition root names concrete adapters: what makes a manager, what loads them late, and index.ts.',
      from: { path: AUTH, pathNot: [CONCRETE, COMPOSITION_ROOT] },
      to: { path: CONCRETE },
    },
    {
      name: 'auth-adapters-are-independent',
      severity: 'error',
      comment: 'A provider knows no cache, a cache no provider, and neither the client that sends tokens.',
      from: { path: AUTH + '(providers|caches)/' },
      to: { path: ADAPTERS, pathNot: AUTH + '$1/' },
    },

    {
      name: 'src-imports-no-test',
      severity: 'error',
      comment: 'What ships does not lean on what checks it.',
      from: { path: SRC },
      to: { path: [TEST, '[.]test[.]ts$', ROOT_TOOLS] },
    },
    {
      name: 'no-undeclared-dependencies',
      severity: 'error',
      comment: 'Declare it in the package.json of the workspace that imports it.',
      from: { path: '^(packages|examples|e2e)/' },
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown'],
        // What stands in `peerDependenciesMeta` counts as declared nowhere, too.
        dependencyTypesNot: ['npm-peer'],
        // The root declares the test tools once, for every workspace.
        pathNot: ROOT_TOOLS,
      },
    },
    {
      name: 'no-dev-dependencies-in-libraries',
      severity: 'error',
      comment:
        'A published library must bring what it imports. (The command line is a bundle: it carries its dependencies.)',
      from: { path: '^packages/(auth|local-api)/src/' },
      // A peer is installed for our own tests as well.
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer'] },
    },
    {
      name: 'no-deprecated-node-modules',
      severity: 'error',
      comment: 'Node has deprecated this module.',
      from: {},
      to: { dependencyTypes: ['core'], path: '^(punycode|domain|constants|sys|_linklist|_stream_wrap)$' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    combinedDependencies: false,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(packages/[^/]+|examples)/(dist|build)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@kilometers/source', 'import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
