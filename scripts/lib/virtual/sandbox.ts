import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What a worker's sandbox gives to workflow code, in this process: it must stand before the SDK's workflow module is loaded, which is
 * why it is a module of its own and imported first.
 */
Object.assign(globalThis, { AsyncLocalStorage });
