/**
 * The guard of the house: imports in `lib/` only go down its floors, tasks share only their workbench, and no files form a
 * circle. Types and `import()` count too. `npm run lint` runs it.
 */

/** The rooms of `lib/`, lowest first: a room imports from itself and from what stands before it here. */
const FLOORS = [
  'core',
  'frame',
  'option-types',
  'options',
  'option-groups',
  'addon',
  'device',
  'hub',
  'raster',
  'samples',
  'data',
  'prompts',
  'runs',
  'onnx',
  'models',
  'embeddings',
  'prediction',
  'scoring',
  'reports',
  'training',
  'tasks',
  'setup',
  'cli',
  'binding',
  'rough',
  'index',
];

/** Matches the files of these rooms: a folder each, or one file. */
const inside = (rooms) => `^lib/(${rooms.join('|')})(/|\\.ts$)`;

export default {
  forbidden: [
    ...FLOORS.slice(0, -1).map((room, floor) => ({
      name: `${room}-imports-only-from-below`,
      severity: 'error',
      from: { path: inside([room]) },
      to: { path: inside(FLOORS.slice(floor + 1)) },
    })),
    {
      name: 'tasks-share-only-the-workbench',
      severity: 'error',
      from: { path: '^lib/tasks/([^/]+)/' },
      to: { path: '^lib/tasks/', pathNot: '^lib/tasks/($1|workbench)/' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'every-room-has-a-floor', severity: 'error', from: { path: '^lib/', pathNot: inside(FLOORS) }, to: {} },
  ],
  options: {
    includeOnly: '^(lib/|binding\\.d\\.ts$)',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.d.ts', '.js'] },
  },
};
