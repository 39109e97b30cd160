// `npm run format`: writes every file in the one format.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync(
  process.execPath,
  ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level=warn', '.'],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
