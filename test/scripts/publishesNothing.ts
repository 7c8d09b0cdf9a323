import { checkFits, planted } from '../../scripts/programs/mutants/planted';

const defect = {
  file: 'workflows/steps/settle.ts',
  from: 'if (publication.revision === turn.publishedRevision) return;',
  to: 'if (publication.revision > 0) return;',
};

/** A copy of the build that publishes nothing, which every night and every case tells of. Whoever asks for it removes the directory. */
export function publishesNothing(): string {
  checkFits(defect);
  return planted(defect);
}
