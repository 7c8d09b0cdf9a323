import { playMoments } from './moments';

playMoments('a tenant');
