import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import {
  Annotations, Aspects, CfnOutput, CfnResource, Duration, Fn, Lazy, RemovalPolicy, Stack, Token,
  aws_cloudwatch as cloudwatch, aws_cloudwatch_actions as actions, aws_eks as eks, aws_iam as iam, aws_lambda as lambda, aws_s3 as s3,
  aws_secretsmanager as secretsmanager, aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { EnvironmentDefinition, PipelineConfiguration } from './configuration';
import { Names, Problem, Refusal, Rendered, render } from './generator';
import { Resources } from './template';

/** How a pipeline is installed, besides what `aphex-config.yaml` declares. */
export interface AphexPipelineOptions {
  /**
   * The path of the configuration file in the repository. It is part of the pipeline's
   * identity, and the file that every run reads.
   *
   * @default - "aphex-config.yaml"; of `fromConfig`, the path of its file
   */
  readonly configPath?: string;

  /**
   * Where the images of the pipeline's own stages are, as REGISTRY[:TAG], with digests as
   * builder@sha256:<hex> behind it if they are known.
   *
   * @default - those beside `validatorImage`, else those of this package's version
   */
  readonly images?: string;

  /**
   * The cluster, such as one of the same app.
   *
   * @default - the cluster that `clusterName` names
   */
  readonly cluster?: eks.ICluster;

  /**
   * The ARN of the cluster's IAM OIDC provider.
   *
   * @default - CloudFormation's export `<clusterExportPrefix>OIDCProviderArn`
   */
  readonly oidcProviderArn?: string;

  /**
   * The ARN of a role that may administer the cluster.
   *
   * @default - CloudFormation's export `<clusterExportPrefix>KubectlRoleArn`
   */
  readonly kubectlRoleArn?: string;

  /**
   * The Lambda layer with kubectl, of a version near that of the cluster: such as
   * `new KubectlV31Layer(this, 'Kubectl')` of the package `@aws-cdk/lambda-layer-kubectl-v31`.
   *
   * @default - kubectl 1.33, for clusters with Kubernetes 1.32 to 1.34; required in other languages than TypeScript and JavaScript
   */
  readonly kubectlLayer?: lambda.ILayerVersion;

  /**
   * A kubectl provider that the cluster already has.
   *
   * @default - one in this stack, for all of its pipelines
   */
  readonly kubectlProvider?: eks.IKubectlProvider;

  /**
   * The URL at which GitHub reaches the webhook.
   *
   * @default - the URL inside of the cluster, as the address of a load balancer is known after the deployment only
   */
  readonly webhookUrl?: string;
}

/** The properties of a pipeline: the keys of `aphex-config.yaml`, and how it is installed. */
export interface AphexPipelineProps extends PipelineConfiguration, AphexPipelineOptions {}

/** The format of the configuration. */
const FORMAT = '1.0';

/** The default name of the configuration file. */
const FILE = 'aphex-config.yaml';

/** The keys of AphexPipelineOptions, which the configuration does not have. */
const OPTIONS: { [key in keyof Required<AphexPipelineOptions>]: true } = {
  configPath: true, images: true, cluster: true, oidcProviderArn: true, kubectlRoleArn: true, kubectlLayer: true, kubectlProvider: true, webhookUrl: true,
};

/** The largest list of objects that the kubectl provider takes: an event of Lambda has at most 256 KiB. */
const MOST_BYTES = 240_000;

/** A configuration as text. */
interface Source {
  readonly text: string;
  readonly file: string;
}

/** The account and region of a pipeline. */
interface Place {
  readonly account: string;
  readonly region: string;
}

/** The files that properties were made of. */
const files = new WeakMap<object, Source>();

/**
 * A delivery pipeline for a CDK app, on a cluster with Argo Workflows and Argo Events.
 *
 * It creates the artifact bucket, the roles and the webhook secret in this stack, and the
 * pipeline's objects in the cluster: the same as `generator bootstrap`.
 */
export class AphexPipeline extends Construct {
  /** Declares the pipeline of a configuration file. */
  public static fromConfig(scope: Construct, id: string, file: string, options: AphexPipelineOptions = {}): AphexPipeline {
    if (!existsSync(file)) {
      throw new Error(`${scope.node.path}/${id}: ${file}: no such file`);
    }
    const props: AphexPipelineProps = { configPath: pathInRepository(file), ...options, environments: [] };
    files.set(props, { text: readFileSync(file, 'utf8'), file });
    return new AphexPipeline(scope, id, props);
  }

  /** The identity of the pipeline: the label and tag of everything that belongs to it. */
  public readonly pipelineName: string;

  /** The bucket of artifacts, logs and metadata of runs. It stays when the stack is deleted. */
  public readonly artifactBucket: s3.IBucket;

  /** The secret that signs GitHub's deliveries to the webhook. */
  public readonly webhookSecret: secretsmanager.ISecret;

  /** The role that deploys to the account of the first environment. */
  public readonly workflowExecutionRole: iam.IRole;

  /** The name of the WorkflowTemplate; each version of the pipeline appends two digits. */
  public readonly workflowTemplateName: string;

  private readonly props: AphexPipelineProps;
  private readonly file?: Source;
  private readonly path: string;
  private readonly place: Place;
  private readonly resources: Resources;
  private readonly outputs = new Set<string>();
  private environments: EnvironmentDefinition[];
  private rendered: Rendered;

  constructor(scope: Construct, id: string, props: AphexPipelineProps) {
    super(scope, id);
    this.props = props;
    this.file = files.get(props);
    this.path = props.configPath ?? FILE;
    this.place = this.placeOfStack();
    this.environments = props.environments;
    this.rendered = this.render();
    const { names, template } = this.rendered;
    this.claim(names);
    if (names.pipelineStack === Stack.of(this).stackName) {
      throw this.error(`pipelineStack names ${names.pipelineStack}, the stack of this construct, which a run cannot deploy: it holds the pipeline's permissions`,
        'remove pipelineStack; runs update the objects in the cluster, and a person runs cdk deploy');
    }

    this.resources = new Resources(new Construct(this, 'Aws'), template, {
      OIDCProviderArn: props.oidcProviderArn ?? Fn.importValue(names.exports.providerArn),
      ...props.webhookUrl && { WebhookUrl: props.webhookUrl },
    });
    this.pipelineName = names.pipeline;
    this.workflowTemplateName = names.template;
    this.artifactBucket = s3.Bucket.fromBucketName(this, 'ArtifactBucket', this.resources.get('ArtifactBucket').ref);
    this.webhookSecret = secretsmanager.Secret.fromSecretCompleteArn(this, 'WebhookSecret', this.resources.get('WebhookSecret').ref);
    this.workflowExecutionRole = iam.Role.fromRoleArn(this, 'WorkflowExecutionRole',
      Token.asString(this.resources.linked(template.Outputs.WorkflowExecutionRoleArn.Value)), { mutable: false });
    this.install();
    this.declareOutputs();
    this.record();
    // addEnvironment may follow, so the file is compared at last.
    Aspects.of(this).add({ visit: (construct) => construct === this && this.warnOfFile() });
  }

  /** The configuration as text, to write to the configuration file of the repository. */
  public get configuration(): string {
    return this.source().text;
  }

  /**
   * Adds an environment behind those that there are: it is deployed after them, unless it
   * sets `after`.
   */
  public addEnvironment(environment: EnvironmentDefinition): void {
    if (this.file) {
      throw this.error(`${this.file.file} declares the environments of this pipeline`, 'add the environment to the file');
    }
    const before = this.environments;
    this.environments = [...before, environment];
    try {
      this.rendered = this.render();
    } catch (error) {
      this.environments = before;
      throw error;
    }
    this.resources.update(this.rendered.template);
    this.checkSizes();
    this.declareOutputs();
  }

  /**
   * Lets a grantee start runs: it may read the secret that signs deliveries to the webhook.
   * A signed delivery starts a run of a commit of the branch, as a push does.
   */
  public grantStart(grantee: iam.IGrantable): iam.Grant {
    return this.webhookSecret.grantRead(grantee);
  }

  /**
   * A metric of the pipeline's runs that ended as `status` says: "Succeeded", "Failed",
   * "Stopped" or "Superseded".
   *
   * @param metricName "WorkflowCount" or "WorkflowDuration", in seconds
   */
  public metric(metricName: string, status: string, props: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    if (!this.rendered.metrics) {
      throw this.error('the runs of this pipeline publish no metrics', 'remove "metrics: false" from its configuration');
    }
    return new cloudwatch.Metric({
      namespace: 'AphexPipeline', metricName, dimensionsMap: { Pipeline: this.workflowTemplateName, Status: status },
      statistic: metricName === 'WorkflowDuration' ? cloudwatch.Stats.AVERAGE : cloudwatch.Stats.SUM, ...props,
    }).attachTo(this);
  }

  /** The number of runs that failed. */
  public metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('WorkflowCount', 'Failed', props);
  }

  /** The number of runs that succeeded. */
  public metricSucceeded(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('WorkflowCount', 'Succeeded', props);
  }

  /** How many seconds runs took that succeeded, from the push to their end. */
  public metricDuration(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('WorkflowDuration', 'Succeeded', props);
  }

  /**
   * Tells a topic when a run failed: an alarm of CloudWatch, one for each topic. For messages
   * with the cause, or for chats, set `notifications` in the configuration.
   */
  public onFailure(topic: sns.ITopic): cloudwatch.Alarm {
    const alarm = this.metricFailed({ period: Duration.minutes(1) }).createAlarm(this, `Failed${topic.node.addr.slice(-8)}`, {
      alarmDescription: `A run of the pipeline ${this.pipelineName} failed: generator history`,
      threshold: 1, evaluationPeriods: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new actions.SnsAction(topic));
    return alarm;
  }

  /**
   * An AWS resource of the pipeline by its logical id in the template that
   * `generator render --aws` prints, such as "ArtifactBucket": to override its properties.
   */
  public awsResource(id: string): CfnResource {
    return this.resources.get(id);
  }

  /** placeOfStack returns the account and region of the stack, which names of the pipeline contain. */
  private placeOfStack(): Place {
    const { account, region } = Stack.of(this);
    for (const [what, value] of Object.entries({ account, region })) {
      if (Token.isUnresolved(value)) {
        throw this.error(`the ${what} of stack ${Stack.of(this).stackName} is not known at synthesis, but names of the pipeline contain it`,
          `give the stack an env: new MyStack(app, 'MyStack', { env: { account: '111111111111', region: 'eu-west-1' } })`);
      }
    }
    return { account, region };
  }

  /** source returns the configuration that the file or the properties declare. */
  private source(): Source {
    if (this.file) return this.file;
    const declared = Object.entries({ ...this.props, environments: this.environments }).filter(([key]) => !(key in OPTIONS));
    for (const [key, value] of declared) {
      this.refuseTokens(key, value);
    }
    const { buildStage, ...others } = Object.fromEntries(declared);
    return { text: JSON.stringify({ version: FORMAT, ...others, build: buildStage }, undefined, 2) + '\n', file: this.node.path };
  }

  private refuseTokens(path: string, value: any): void {
    if (Token.isUnresolved(value)) {
      throw this.error(`${path} is known at deployment only, but the pipeline is rendered at synthesis`, 'write the value itself');
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Array.isArray(value) ? value.map((inner, i) => [`[${i}]`, inner]) : Object.entries(value).map(([key, inner]) => [`.${key}`, inner]);
      entries.forEach(([key, inner]) => this.refuseTokens(path + key, inner));
    }
  }

  private render(): Rendered {
    const { text, file } = this.source();
    const answer = render({ configuration: text, file, path: this.path, ...this.place, images: this.props.images, committed: this.committed() });
    if ('error' in answer) {
      throw this.refusal(answer);
    }
    return answer;
  }

  /** committed returns the text of the repository's configuration file, if the pipeline is declared in code. */
  private committed(): string | undefined {
    const file = join(repositoryOf(process.cwd()) ?? process.cwd(), this.path);
    return !this.file && existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  /** warnOfFile warns if runs will read another configuration than that of the properties. */
  private warnOfFile(): void {
    const missing = !this.file && this.committed() === undefined;
    if (missing || this.rendered.differs) {
      Annotations.of(this).addWarningV2('aphex-pipeline:configuration',
        `every run reads ${this.path} of its commit, which ${missing ? 'does not exist' : 'declares another pipeline'}: ` +
        `run "generator init --from-construct", or use AphexPipeline.fromConfig`);
    }
  }

  /** refusal is the error for a configuration with problems, which all are reported. */
  private refusal(answer: Refusal): Error {
    const { problems = [] } = answer;
    if (this.file || problems.length === 0) {
      return this.error(answer.error, answer.hint);
    }
    const line = ({ path, message, hint }: Problem) => `\n  ${path ? `${path.replace(/^build\b/, 'buildStage')}: ` : ''}${message}${hint ? `\n     = ${hint}` : ''}`;
    return this.error(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`} in the properties${problems.map(line).join('')}`);
  }

  private error(message: string, hint?: string): Error {
    return new Error(`${this.node.path}: ${message}${hint ? `\n  hint: ${hint}` : ''}`);
  }

  /** claim refuses a second pipeline with the same names in the app. */
  private claim(names: Names): void {
    const { account, region } = this.place;
    const claimed: Map<string, string> = (this.node.root as any)[CLAIMED] ??= new Map<string, string>();
    const claims = {
      [`the repository, branch and configPath of the pipeline ${names.pipeline}`]: `${account}/${region}/${names.stack}`,
      [`the workflowTemplateName ${names.template} on cluster ${names.cluster}`]: `${account}/${region}/${names.cluster}/${names.template}`,
      [`the artifact bucket ${names.bucket}`]: names.bucket,
    };
    for (const [what, key] of Object.entries(claims)) {
      const other = claimed.get(key);
      if (other) {
        throw this.error(`${other} has ${what} too`, 'set workflowTemplateName, or another configPath for another configuration file of the repository');
      }
      claimed.set(key, this.node.path);
    }
  }

  /** groups are the objects in the cluster, in the order of their references. */
  private groups(): { [id: string]: any[] } {
    const { items } = this.rendered.objects;
    const template = items.findIndex(({ kind }) => kind === 'WorkflowTemplate');
    return { Rights: items.slice(0, template), Workflow: [items[template]], Events: items.slice(template + 1) };
  }

  /** install creates the objects in the cluster. */
  private install(): void {
    const cluster = this.props.cluster ?? this.importCluster();
    this.checkSizes();
    let before: Construct = this.node.findChild('Aws') as Construct;
    for (const [id, objects] of Object.entries(this.groups())) {
      if (objects.length === 0) continue;
      // Objects may exist: those of generator bootstrap, and versions of the template.
      const applied = new eks.KubernetesManifest(this, id, {
        cluster, manifest: Lazy.any({ produce: () => this.groups()[id] }) as any, prune: false, overwrite: true,
      });
      applied.node.addDependency(before);
      before = applied;
    }
    // Runs that are under way and those of earlier versions need their template.
    (this.node.findChild('Workflow').node.findChild('Resource').node.defaultChild as CfnResource).applyRemovalPolicy(RemovalPolicy.RETAIN);
  }

  private checkSizes(): void {
    for (const [id, objects] of Object.entries(this.groups())) {
      const bytes = Buffer.byteLength(JSON.stringify(objects));
      if (bytes > MOST_BYTES) {
        throw this.error(`the objects of ${id} have ${bytes} bytes, and the kubectl provider takes ${MOST_BYTES}`, 'move some of the environments to another pipeline');
      }
    }
  }

  /** importCluster returns the cluster by its exports, once for all pipelines of the stack. */
  private importCluster(): eks.ICluster {
    const { props, rendered: { names } } = this;
    const stack = Stack.of(this);
    const id = `AphexCluster-${names.cluster}`;
    const existing = stack.node.tryFindChild(id);
    if (existing) return existing as unknown as eks.ICluster;
    return eks.Cluster.fromClusterAttributes(stack, id, {
      clusterName: names.cluster,
      kubectlRoleArn: props.kubectlRoleArn ?? Fn.importValue(names.exports.kubectlRoleArn),
      kubectlLayer: props.kubectlLayer ?? (props.kubectlProvider ? undefined : this.kubectl(stack)),
      kubectlProvider: props.kubectlProvider,
    });
  }

  /** kubectl returns the layer with kubectl that all pipelines of a stack share. */
  private kubectl(stack: Stack): lambda.ILayerVersion {
    let Layer: new (scope: Construct, id: string) => lambda.LayerVersion;
    try {
      // npm installs it with this package. Other languages have packages of their own.
      Layer = require('@aws-cdk/lambda-layer-kubectl-v33').KubectlV33Layer;
    } catch {
      throw this.error('there is no kubectl to create the objects in the cluster with',
        'install the npm package @aws-cdk/lambda-layer-kubectl-v33, or set kubectlLayer or kubectlProvider');
    }
    return stack.node.tryFindChild('AphexKubectl') as lambda.LayerVersion ?? new Layer(stack, 'AphexKubectl');
  }

  private declareOutputs(): void {
    const { names, template } = this.rendered;
    const add = (name: string, value: any, description?: string) => {
      if (this.outputs.has(name)) return;
      this.outputs.add(name);
      const output = new CfnOutput(this, name, { value: Token.asString(value), description });
      output.overrideLogicalId(this.prefix() + name);
      output.exportName = Fn.sub(`\${AWS::StackName}-${this.prefix()}${name}`);
    };
    for (const [name, { Value, Description }] of Object.entries(template.Outputs)) {
      add(name, this.resources.linked(Value), Description);
    }
    // CloudFormation would show the secret to the logs of the kubectl provider.
    add('WebhookSecretCommand', `aws secretsmanager get-secret-value --region ${this.place.region} --secret-id ${names.secret} --query SecretString --output text | ` +
      `tr -d '\\n' | kubectl create secret generic ${names.webhookSecret} --namespace ${names.namespace} --from-file=${names.secretKey}=/dev/stdin`,
    'Run this once: it copies the webhook secret to the cluster.');
  }

  /** record writes the configuration into the metadata of the template, for generator init --from-construct. */
  private record(): void {
    const { templateOptions } = Stack.of(this);
    templateOptions.metadata = {
      ...templateOptions.metadata,
      [`AphexPipeline:${this.node.path}`]: Lazy.any({ produce: () => ({ path: this.path, configuration: this.configuration }) }),
    };
  }

  /** prefix begins the names of outputs: the construct's path in its stack. */
  private prefix(): string {
    const scopes = this.node.scopes;
    const inner = scopes.slice(scopes.indexOf(Stack.of(this)) + 1);
    return inner.map(({ node }) => node.id.replace(/[^A-Za-z0-9]/g, '')).join('');
  }
}

const CLAIMED = Symbol.for('aphex-pipeline.names');

/** repositoryOf returns the top folder of the repository around a folder. */
function repositoryOf(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** pathInRepository returns the path of a file as `generator` identifies a pipeline by it. */
function pathInRepository(file: string): string {
  const top = repositoryOf(dirname(file));
  if (top) return relative(top, resolve(file)).split(sep).join('/');
  const inside = relative('.', file);
  return isAbsolute(file) || inside.startsWith('..') ? basename(file) : inside.split(sep).join('/');
}
