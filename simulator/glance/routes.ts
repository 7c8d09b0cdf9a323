import type { Image } from '../model';
import { Refusal, route, type ServiceRoutes } from '../routing';

/** Glance v2: images by name and id. Not there: uploads. */
export const glance: ServiceRoutes = {
  prefix: '/image',
  part: 'glance',
  error: (status, message) => `<html><head><title>${String(status)}</title></head>\n<body>${message}</body></html>`,
  unauthorized: {
    code: '401 Unauthorized',
    title: 'Unauthorized',
    message:
      'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.<br /><br />\n\n\n',
  },
  routes: [
    route(
      'GET',
      '/',
      ({ base }) => ({
        status: 300,
        body: { versions: [{ id: 'v2.16', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/image/v2/` }] }] },
      }),
      { open: true },
    ),
    route('GET', '/v2/images', ({ cloud, query }) => {
      const name = query.get('name');
      const images = [...cloud.images.values()].filter((image) => name === null || image.name === name);
      return { status: 200, body: { images: images.map(show), schema: '/v2/schemas/images', first: '/v2/images' } };
    }),
    route('GET', '/v2/images/:id', ({ cloud, params }) => {
      const image = cloud.images.get(params[0] ?? '');
      if (!image) throw new Refusal(404, `No image found with ID ${params[0] ?? ''}`);
      return { status: 200, body: show(image) };
    }),
  ],
};

const madeAt = '2026-01-01T00:00:00Z';

function show({ id, name }: Image): unknown {
  return {
    id,
    name,
    status: 'active',
    visibility: 'public',
    container_format: 'bare',
    disk_format: 'qcow2',
    min_disk: 0,
    min_ram: 0,
    size: 1,
    tags: [],
    protected: false,
    checksum: 'd41d8cd98f00b204e9800998ecf8427e',
    created_at: madeAt,
    updated_at: madeAt,
    owner: '00000000000000000000000000000000',
    virtual_size: 1,
    os_hidden: false,
    file: `/v2/images/${id}/file`,
    self: `/v2/images/${id}`,
    schema: '/v2/schemas/image',
  };
}
