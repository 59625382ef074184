import { mount } from '../shared/mount.tsx';
import './shop.css';
import { ShopPage } from './shop-page.tsx';

mount(<ShopPage />);
