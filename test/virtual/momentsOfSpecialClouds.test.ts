import { playMoments } from './moments';

playMoments('special clouds');
