import { render } from 'preact';
import { Dashboard } from './dashboard.js';
import './page.css';

const page = document.getElementById('page');
if (page !== null) render(<Dashboard />, page);
