import { playMoments } from './moments';

playMoments('two pools');
