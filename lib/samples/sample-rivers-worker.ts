/** The thread that draws. */
import { answerRequests } from '../core/thread.js';
import { drawRiver } from './rivers/scene.js';
import type { RiverRequest } from './sample-rivers.js';

answerRequests(
  ({ split, index }: RiverRequest) => drawRiver(split, index),
  ({ pixels, mask }) => [pixels, mask],
);
