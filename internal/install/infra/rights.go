package infra

import "github.com/aphex/aphex-pipeline/internal/bucket"

// document renders a policy.
func document(statements ...any) object {
	return object{"Version": "2012-10-17", "Statement": statements}
}

func actions(names ...string) []string { return names }

func allow(sid string, does []string, resources ...string) object {
	return object{"Sid": sid, "Effect": "Allow", "Action": does, "Resource": resources}
}

func when(statement object, operator, key string, values ...string) object {
	statement["Condition"] = object{operator: object{key: values}}
	return statement
}

// builds are the permissions of the build: to store the artifact of a commit and the
// record of its step, and to read the repository.
func (r renderer) builds() []any {
	return append(r.readsRepository(),
		allow("KeepArtifacts", actions("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
			r.bucketARN("/"+bucket.CommitKeys()), r.bucketARN("/"+bucket.RecordKeys())),
		when(allow("FindArtifacts", actions("s3:ListBucket"), r.bucketARN("")), "StringLike", "s3:prefix", bucket.CommitKeys()),
	)
}

// watches are the permissions of the reconciler.
func (r renderer) watches() []any {
	return append(r.readsRepository(),
		when(allow("FindRecords", actions("s3:ListBucket"), r.bucketARN("")), "StringLike", "s3:prefix", bucket.RecordKeys()),
		allow("ReadRecords", actions("s3:GetObject"), r.bucketARN("/"+bucket.RecordKeys())),
	)
}

// deploys are the permissions of all other stages, except access to accounts.
func (r renderer) deploys() []any {
	own := append(r.readsRepository(),
		allow("UseArtifacts", actions("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"), r.bucketARN("/*")),
		allow("FindArtifacts", actions("s3:ListBucket"), r.bucketARN("")),
		when(allow("Metrics", actions("cloudwatch:PutMetricData"), "*"), "StringEquals", "cloudwatch:namespace", "AphexPipeline"),
	)
	return append(own, r.updatesItself()...)
}

// readsRepository is the permission to read the GitHub token, if there is one.
func (r renderer) readsRepository() []any {
	if r.cfg.GithubTokenSecretName == "" {
		return []any{}
	}
	return []any{allow("ReadToken", actions("secretsmanager:GetSecretValue"), r.secretARN(r.cfg.GithubTokenSecretName))}
}

// updatesItself are the permissions to update this stack with another template,
// through the role of the updater.
func (r renderer) updatesItself() []any {
	return []any{
		allow("UpdateOwnStack", actions(
			"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:GetTemplate",
			"cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
		), r.stackARN()),
		when(allow("LetUpdaterWork", actions("iam:PassRole"), r.place.RoleARN(r.names.UpdaterRole)),
			"StringEquals", "iam:PassedToService", "cloudformation.amazonaws.com"),
	}
}

// updates are the permissions of the updater: the resources of this stack by name.
func (r renderer) updates() []any {
	pods := []string{r.place.RoleARN(r.names.DeployerRole), r.place.RoleARN(r.names.BuilderRole), r.place.RoleARN(r.names.ReconcilerRole)}
	assumePolicies := r.policyARN(r.names.Stack + "-enter-*")
	return []any{
		allow("Bucket", actions(
			"s3:GetBucketVersioning", "s3:GetBucketTagging", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:GetBucketOwnershipControls",
			"s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:PutBucketVersioning", "s3:PutBucketTagging", "s3:PutBucketPolicy",
			"s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
		), r.bucketARN("")),
		allow("Secret", actions("secretsmanager:DescribeSecret", "secretsmanager:UpdateSecret", "secretsmanager:TagResource", "secretsmanager:UntagResource"), r.secretARN(r.names.Secret)),
		allow("Roles", actions(
			"iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:UpdateRole", "iam:UpdateRoleDescription",
			"iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:DeleteRole",
		), pods...),
		when(allow("RightsBelowTheBoundary", actions("iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"), pods...),
			"StringEquals", "iam:PermissionsBoundary", r.policyARN(r.names.Boundary)),
		when(allow("EntrancesBelowTheBoundary", actions("iam:AttachRolePolicy", "iam:DetachRolePolicy"), pods...),
			"ArnLike", "iam:PolicyARN", assumePolicies),
		allow("Entrances", actions(
			"iam:CreatePolicy", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions", "iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:DeletePolicy",
		), assumePolicies),
	}
}
