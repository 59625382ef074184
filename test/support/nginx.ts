import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const hasNginx = spawnSync('nginx', ['-v']).error === undefined;

/** nginx as somebody sets it up who reads nothing: one `proxy_pass`. It listens on a socket in the file system. */
export async function startNginx(url: string): Promise<{ readonly socketPath: string; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'paystream-nginx-'));
  const socketPath = join(dir, 'listen');
  const conf = join(dir, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  );
  writeFileSync(
    conf,
    `worker_processes 1; pid ${dir}/pid; error_log ${dir}/errors;
     events { worker_connections 64; }
     http { access_log off; ${temporary.join(' ')} server { listen unix:${socketPath}; location / { proxy_pass ${url}; } } }`,
  );
  await run('nginx', ['-c', conf, '-e', join(dir, 'errors')]); // returns once it listens
  return {
    socketPath,
    async stop() {
      await run('nginx', ['-c', conf, '-e', join(dir, 'errors'), '-s', 'stop']);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
