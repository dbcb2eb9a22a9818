export * from './configuration';
export * from './pipeline';
