/** Every workflow type, by the name that a caller starts it with. */
export { vnf } from './record/vnf';
export { instantiate } from './procedures/instantiate';
export { scaleOut } from './procedures/scaleOut';
export { scaleIn } from './procedures/scaleIn';
export { heal } from './procedures/heal';
export { evacuateHost } from './procedures/evacuateHost';
export { restoreHost } from './procedures/restoreHost';
export { evacuateVnf } from './procedures/evacuateVnf';
export { rebalance } from './procedures/rebalance';
export { terminate } from './procedures/terminate';
export { audit } from './procedures/audit';
export { orphans } from './procedures/orphans';
export { adopt } from './procedures/adopt';
export { capacity } from './procedures/capacity';
export { hostMutex } from './procedures/hostMutex';
export { cloudBudget } from './cloudBudget';
