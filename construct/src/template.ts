// Adds the resources of a rendered CloudFormation template to a construct tree.
import { CfnResource, Fn } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Template } from './generator';

/** The resources of a template as constructs, with values for its parameters. */
export class Resources {
  private readonly byId = new Map<string, CfnResource>();

  constructor(private readonly scope: Construct, private template: Template, private readonly parameters: { [name: string]: string }) {
    this.update(template);
  }

  /** update declares what a template has that follows the one before. Its resources stay. */
  public update(template: Template): void {
    this.template = template;
    const added = Object.entries(template.Resources).filter(([id]) => !this.byId.has(id));
    for (const [id, declared] of added) {
      this.byId.set(id, this.declare(id, declared));
    }
    for (const [id, declared] of added) {
      for (const other of [declared.DependsOn ?? []].flat()) {
        this.get(id).addDependency(this.get(other));
      }
    }
  }

  /** get returns a resource by its logical id in the template. */
  public get(id: string): CfnResource {
    const resource = this.byId.get(id);
    if (!resource) {
      throw new Error(`the pipeline has no AWS resource "${id}": its resources are ${[...this.byId.keys()].join(', ')}`);
    }
    return resource;
  }

  private declare(id: string, declared: Template['Resources'][string]): CfnResource {
    const { Type, Properties, DeletionPolicy, UpdateReplacePolicy, DependsOn, ...others } = declared;
    if (Object.keys(others).length > 0) {
      throw new Error(`resource ${id} has ${Object.keys(others).join(', ')}, which this version of the construct does not know`);
    }
    const resource = new Resource(this.scope, id, Type, () => this.linked(this.template.Resources[id].Properties ?? {}));
    resource.cfnOptions.deletionPolicy = DeletionPolicy;
    resource.cfnOptions.updateReplacePolicy = UpdateReplacePolicy;
    return resource;
  }

  /** linked replaces references to parameters and resources of the template in a value. */
  public linked(value: any): any {
    if (Array.isArray(value)) return value.map((inner) => this.linked(inner));
    if (typeof value !== 'object' || value === null) return value;
    const [[key, argument] = ['', undefined], ...others] = Object.entries<any>(value);
    if (others.length === 0) {
      switch (key) {
        case 'Ref': return this.reference(argument);
        case 'Fn::GetAtt': return this.get(argument[0]).getAtt(argument[1]);
        case 'Fn::Sub': return this.substituted(argument);
      }
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.linked(inner)]));
  }

  private reference(name: string): any {
    if (name.startsWith('AWS::')) return { Ref: name };
    return name in this.template.Parameters ? this.parameter(name) : this.get(name).ref;
  }

  private parameter(name: string): string {
    const value = this.parameters[name] ?? this.template.Parameters[name].Default;
    if (value === undefined) {
      throw new Error(`parameter ${name} of the pipeline's template has no value`);
    }
    return value;
  }

  /** substituted gives Fn::Sub the values of references as variables. */
  private substituted(argument: string | [string, { [name: string]: any }]): string {
    const [text, own] = typeof argument === 'string' ? [argument, {}] : argument;
    const variables: { [name: string]: any } = this.linked(own);
    for (const [, name] of text.matchAll(/\$\{([A-Za-z0-9]+)\}/g)) {
      variables[name] ??= this.reference(name);
    }
    return Fn.sub(text, Object.keys(variables).length > 0 ? variables : undefined);
  }
}

/** A resource whose properties are known at synthesis. */
class Resource extends CfnResource {
  constructor(scope: Construct, id: string, type: string, private readonly properties: () => { [name: string]: any }) {
    super(scope, id, { type });
  }

  protected get cfnProperties(): { [name: string]: any } {
    return this.properties();
  }
}
