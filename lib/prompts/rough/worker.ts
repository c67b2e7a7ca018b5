/** The thread that makes rough masks, from its own side. */
import { answerRequests } from '../../core/thread.js';
import { computeRoughMask } from './compute.js';

answerRequests(computeRoughMask, ({ values, distances }) => [values, distances?.inside, distances?.outside]);
