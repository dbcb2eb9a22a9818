import { RemovalPolicy } from 'aws-cdk-lib';

/** What differs between environments, all in one place. */
export interface Settings {
  readonly name: string;
  /** Whether data outlives its stack, and may be restored to a point in time. */
  readonly keepData: boolean;
  /** Megabytes of memory of a function. */
  readonly memorySize: number;
}

/** Settings of the named environment. Only `prod` keeps its data: any other name is a place to experiment. */
export function settingsFor(name: string): Settings {
  const prod = name === 'prod';
  return { name, keepData: prod, memorySize: prod ? 512 : 256 };
}

/** What happens to stored data when its stack goes away. */
export function removalPolicy(settings: Settings): RemovalPolicy {
  return settings.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
