package bootstrap

import "encoding/json"

// version is that of the CDK's bootstrap template whose resources these are.
const version = "33"

type object = map[string]any

// Template returns the template of a bootstrap stack as JSON.
func Template() string {
	text, err := json.Marshal(object{
		"Description": "What CDK apps need to be deployed into this simulated environment",
		"Parameters": object{
			"Qualifier":                       object{"Type": "String", "Default": DefaultQualifier},
			"TrustedAccounts":                 object{"Type": "CommaDelimitedList", "Default": ""},
			"TrustedAccountsForLookup":        object{"Type": "CommaDelimitedList", "Default": ""},
			"CloudFormationExecutionPolicies": object{"Type": "CommaDelimitedList", "Default": ""},
		},
		"Conditions": object{
			"HasTrustedAccounts":          filled("TrustedAccounts"),
			"HasTrustedAccountsForLookup": filled("TrustedAccountsForLookup"),
		},
		"Resources": resources(),
		"Outputs": object{
			"BucketName":          object{"Value": ref("StagingBucket")},
			"BucketDomainName":    object{"Value": attribute("StagingBucket", "RegionalDomainName")},
			"ImageRepositoryName": object{"Value": ref("ContainerAssetsRepository")},
			"BootstrapVersion":    object{"Value": version},
		},
	})
	if err != nil {
		panic("the bootstrap template cannot be written: " + err.Error()) // it is a constant
	}
	return string(text)
}

func resources() object {
	return object{
		"StagingBucket": object{
			"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
			"Properties": object{
				"BucketName":              sub("cdk-${Qualifier}-assets-${AWS::AccountId}-${AWS::Region}"),
				"VersioningConfiguration": object{"Status": "Enabled"},
				"BucketEncryption": object{"ServerSideEncryptionConfiguration": []any{
					object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "aws:kms"}},
				}},
				"PublicAccessBlockConfiguration": object{
					"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
				},
			},
		},
		"StagingBucketPolicy": object{"Type": "AWS::S3::BucketPolicy", "Properties": object{
			"Bucket": ref("StagingBucket"),
			"PolicyDocument": document(object{
				"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucketAndObjects(),
				"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
			}),
		}},
		"ContainerAssetsRepository": object{"Type": "AWS::ECR::Repository", "Properties": object{
			"RepositoryName":     sub("cdk-${Qualifier}-container-assets-${AWS::AccountId}-${AWS::Region}"),
			"ImageTagMutability": "IMMUTABLE",
		}},
		"FilePublishingRole":  role("file-publishing", []string{"TrustedAccounts"}, nil),
		"ImagePublishingRole": role("image-publishing", []string{"TrustedAccounts"}, nil),
		"LookupRole": role("lookup", []string{"TrustedAccounts", "TrustedAccountsForLookup"}, object{
			"ManagedPolicyArns": []any{managed("ReadOnlyAccess")},
			"Policies":          []any{object{"PolicyName": "LookupRolePolicy", "PolicyDocument": document(statement("Deny", "*", "kms:Decrypt"))}},
		}),
		"DeploymentActionRole": role("deploy", []string{"TrustedAccounts"}, object{
			"ManagedPolicyArns": []any{managed("AWSCloudFormationReadOnlyAccess")},
			"Policies":          []any{object{"PolicyName": "default", "PolicyDocument": document(deployRights()...)}},
		}),
		"CloudFormationExecutionRole": object{"Type": "AWS::IAM::Role", "Properties": object{
			"RoleName": sub("cdk-${Qualifier}-cfn-exec-role-${AWS::AccountId}-${AWS::Region}"),
			"AssumeRolePolicyDocument": document(object{
				"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": object{"Service": "cloudformation.amazonaws.com"},
			}),
			"ManagedPolicyArns": ref("CloudFormationExecutionPolicies"),
		}},
		"FilePublishingRoleDefaultPolicy": policy("FilePublishingRole", "file-publishing",
			statement("Allow", bucketAndObjects(), "s3:GetObject*", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:List*",
				"s3:DeleteObject*", "s3:PutObject*", "s3:Abort*")),
		"ImagePublishingRoleDefaultPolicy": policy("ImagePublishingRole", "image-publishing",
			statement("Allow", attribute("ContainerAssetsRepository", "Arn"), "ecr:PutImage", "ecr:InitiateLayerUpload",
				"ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:BatchCheckLayerAvailability", "ecr:DescribeRepositories",
				"ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
			statement("Allow", "*", "ecr:GetAuthorizationToken")),
		"CdkBootstrapVersion": object{"Type": "AWS::SSM::Parameter", "Properties": object{
			"Type": "String", "Name": sub("/cdk-bootstrap/${Qualifier}/version"), "Value": version,
		}},
	}
}

// deployRights are the permissions of the role that starts deployments.
func deployRights() []any {
	elsewhere := statement("Allow", "*", "s3:GetObject*", "s3:GetBucket*", "s3:List*", "s3:Abort*", "s3:DeleteObject*", "s3:PutObject*")
	elsewhere["Condition"] = object{"StringNotEquals": object{"s3:ResourceAccount": ref("AWS::AccountId")}}
	return []any{
		statement("Allow", "*", "cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:ExecuteChangeSet",
			"cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:RollbackStack",
			"cloudformation:ContinueUpdateRollback", "cloudformation:CreateStackRefactor", "cloudformation:ExecuteStackRefactor"),
		statement("Allow", "*", "cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection", "sts:GetCallerIdentity"),
		elsewhere,
		statement("Allow", attribute("CloudFormationExecutionRole", "Arn"), "iam:PassRole"),
		statement("Allow", bucketAndObjects(), "s3:GetObject*", "s3:GetBucket*", "s3:List*"),
		statement("Allow", sub("arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${CdkBootstrapVersion}"),
			"ssm:GetParameter", "ssm:GetParameters"),
	}
}

// role is a role that the account itself and the accounts of the parameters may assume.
func role(name string, trusted []string, more object) object {
	trust := trusts(ref("AWS::AccountId"))
	for _, parameter := range trusted {
		for _, given := range trusts(ref(parameter)) {
			trust = append(trust, object{"Fn::If": []any{"Has" + parameter, given, ref("AWS::NoValue")}})
		}
	}
	properties := object{
		"RoleName":                 sub("cdk-${Qualifier}-" + name + "-role-${AWS::AccountId}-${AWS::Region}"),
		"AssumeRolePolicyDocument": document(trust...),
		"Tags":                     []any{object{"Key": "aws-cdk:bootstrap-role", "Value": name}},
	}
	for key, value := range more {
		properties[key] = value
	}
	return object{"Type": "AWS::IAM::Role", "Properties": properties}
}

// trusts lets accounts assume a role; not by an external id, as of version 32.
func trusts(accounts object) []any {
	principal := object{"AWS": accounts}
	return []any{
		object{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal,
			"Condition": object{"Null": object{"sts:ExternalId": "true"}},
		},
		object{"Effect": "Allow", "Action": "sts:TagSession", "Principal": principal},
	}
}

func policy(role, name string, statements ...any) object {
	return object{"Type": "AWS::IAM::Policy", "Properties": object{
		"PolicyName":     sub("cdk-${Qualifier}-" + name + "-role-default-policy-${AWS::AccountId}-${AWS::Region}"),
		"PolicyDocument": document(statements...), "Roles": []any{ref(role)},
	}}
}

func statement(effect string, resource any, actions ...string) object {
	return object{"Effect": effect, "Action": actions, "Resource": resource}
}

func document(statements ...any) object {
	return object{"Version": "2012-10-17", "Statement": statements}
}

func bucketAndObjects() []any {
	return []any{attribute("StagingBucket", "Arn"), sub("${StagingBucket.Arn}/*")}
}

func managed(name string) object { return sub("arn:${AWS::Partition}:iam::aws:policy/" + name) }

func ref(name string) object { return object{"Ref": name} }

func sub(text string) object { return object{"Fn::Sub": text} }

func attribute(id, name string) object { return object{"Fn::GetAtt": []any{id, name}} }

// filled reports whether a list parameter is not empty.
func filled(parameter string) object {
	return object{"Fn::Not": []any{object{"Fn::Equals": []any{"", object{"Fn::Join": []any{"", ref(parameter)}}}}}}
}
