import { mount } from '../shared/mount.tsx';
import { reloadOnFragment } from '../shared/reload-on-fragment.ts';
import { App } from './app.tsx';
import './dashboard.css';
import { tokenIn } from './session.ts';

reloadOnFragment((fragment) => tokenIn(fragment) !== null);
mount(<App />);
