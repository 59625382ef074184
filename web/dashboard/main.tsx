import { mount } from '../shared/mount.tsx';
import { App } from './app.tsx';
import './dashboard.css';

mount(<App />);
