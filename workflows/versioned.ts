import { setWorkflowOptions } from '@temporalio/workflow';
import { cloudBudget } from './cloudBudget';
import { vnf } from './record/vnf';

/**
 * The same workflows for workers that are a version of a deployment. Procedures end on the version that they began on, which is what such a worker says of
 * all that says nothing else. The record lives for years, over many releases: it goes on with each new one, so that what it does, in which order,
 * changes only behind `patched` (docs/upgrading.md).
 *
 * A module of its own, since Temporal refuses the word of an unversioned worker on how versions are to be followed.
 */
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, vnf);
// What a cloud gets is of all workers, of whatever version: it goes on as the record does.
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, cloudBudget);

export * from './index';
