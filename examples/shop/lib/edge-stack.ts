import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Distribution, PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { removalPolicy, type Settings } from './settings';

export interface EdgeStackProps extends StackProps {
  readonly settings: Settings;
}

/** The shop window: a private bucket of pages, shown to the world by CloudFront alone. */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, props: EdgeStackProps) {
    super(scope, id, props);
    const pages = new Bucket(this, 'Pages', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: removalPolicy(props.settings),
    });
    const site = new Distribution(this, 'Site', {
      comment: `The ${props.settings.name} shop`,
      defaultBehavior: { origin: S3BucketOrigin.withOriginAccessControl(pages) },
      defaultRootObject: 'index.html',
      priceClass: PriceClass.PRICE_CLASS_100,
    });
    new StringParameter(this, 'SiteDomain', {
      parameterName: '/shop/site-domain',
      stringValue: site.distributionDomainName,
    });

    new CfnOutput(this, 'PagesBucketName', { value: pages.bucketName });
    new CfnOutput(this, 'SiteUrl', { value: `https://${site.distributionDomainName}` });
    new CfnOutput(this, 'Region', { value: this.region });
  }
}
