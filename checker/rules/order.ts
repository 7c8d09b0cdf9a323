import type { CloudEvent } from '../../simulator/events';
import type { Scribe } from '../verdict';
import { isDead, serverNamed, type World } from '../world';

/** G1(b), the order: what is added is published before what is removed goes. Looked at before the event is taken in. */
export function judgeOrder(world: World, event: CloudEvent, scribe: Scribe): void {
  if (event.type !== 'published') return;
  const vnf = world.vnfs.get(event.vnf);
  if (!vnf || vnf.ending) return;
  const last = vnf.publishedAt;
  if (last && (event.revision < last.revision || (event.revision === last.revision && event.stage <= last.stage))) {
    scribe.broken('G1b', {
      vnf: event.vnf,
      message: `revision ${String(event.revision)}, stage ${String(event.stage)} was published after revision ${String(last.revision)}, stage ${String(last.stage)}`,
    });
  }
  const staged = last?.revision === event.revision && last.stage === 1;
  for (const [name, pool] of vnf.pools) {
    const now = new Set(event.service[name] ?? []);
    const added = [...now].filter((member) => !pool.published.has(member));
    const removed = [...pool.published].filter((member) => {
      const server = serverNamed(world, event.vnf, member);
      return !now.has(member) && server !== undefined && !isDead(world, event.vnf, server);
    });
    scribe.looked('G1b');
    const tooEarly = event.stage === 1 ? removed.length > 0 : !staged && added.length > 0 && removed.length > 0;
    if (tooEarly) {
      scribe.broken('G1b', {
        vnf: event.vnf,
        pool: name,
        message: `${removed.join(', ')} left service before those who replace them were published with them`,
      });
    }
  }
}
