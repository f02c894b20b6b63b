export default {
  files: ['__test__/**/*.spec.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=@oxc-node/core/register'],
  // A process for each file: a crash in the addon fails one file, and V8 flags get through.
  workerThreads: false,
  timeout: '2m',
};
