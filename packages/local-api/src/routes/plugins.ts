import { Hono } from 'hono';
import * as v from 'valibot';
import { accessOf, requireToken } from '../authenticate.js';
import { HttpProblem } from '../http-problem.js';
import { pluginsFor } from '../plugin-catalogue.js';
import { check, readJson } from '../request-body.js';
import type { ApiEnv, Services } from '../services.js';

const Text = v.string('text');
const ManifestRequest = v.object(
  {
    plugins: v.array(
      v.object({ name: Text, installedVersion: v.nullable(Text) }, 'an object'),
      'a list of plugins',
    ),
    platform: v.object({ os: Text, arch: Text }, 'an object'),
    cliVersion: Text,
  },
  'a JSON object',
);

/** `POST /api/plugins/manifest`: what this account may use; and the archives the manifest points to. */
export function pluginRoutes(services: Services): Hono<ApiEnv> {
  const guard = requireToken(services, 'plugins');
  const routes = new Hono<ApiEnv>();
  routes.post('/api/plugins/manifest', guard, async (c) => {
    const request = check(ManifestRequest, await readJson(c));
    if ('flaw' in request) throw new HttpProblem(400, 'invalid_request', request.flaw.message);
    const base = `${services.publicUrl()}/api/plugins/download`;
    const plugins = pluginsFor(accessOf(c).tier).map(({ hash, name, size, tier, version }) => {
      return { name, version, tier, url: `${base}/${name}/${version}`, hash, size };
    });
    return c.json({ plugins });
  });
  routes.get('/api/plugins/download/:name/:version', guard, (c) => {
    const { name, version } = c.req.param();
    const plugin = pluginsFor(accessOf(c).tier).find(
      (each) => each.name === name && each.version === version,
    );
    if (plugin === undefined)
      throw new HttpProblem(404, 'not_found', 'there is no such plugin for this account');
    return c.body(plugin.content, 200, { 'Content-Type': 'text/javascript; charset=utf-8' });
  });
  return routes;
}
