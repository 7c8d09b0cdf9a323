import { playMoments } from './moments';

playMoments('one pool');
