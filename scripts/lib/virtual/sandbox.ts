import { ContextStorage } from './context';

/**
 * What a worker's sandbox gives to workflow code, in this process: it must stand before the SDK's modules are loaded, which is why it is
 * a module of its own and imported first. The SDK keeps the context of activities under this name, so that copies of it share one.
 */
Object.assign(globalThis, {
  AsyncLocalStorage: ContextStorage,
  [Symbol.for('__temporal_activity_context_storage__')]: new ContextStorage(),
});
