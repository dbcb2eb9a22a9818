package infra

import (
	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/notify/metric"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

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

// writes is the permission to write what an identity writes in the bucket. The policy of
// the bucket says under which conditions.
func (r renderer) writes(w bucket.Writer) object {
	return allow("Write", actions("s3:PutObject"), r.keys(bucket.Writes(w))...)
}

func (r renderer) keys(patterns []string) []string {
	var keys []string
	for _, pattern := range patterns {
		keys = append(keys, r.bucketARN("/"+pattern))
	}
	return keys
}

func (r renderer) reads(patterns ...string) object {
	return allow("Read", actions("s3:GetObject"), r.keys(patterns)...)
}

// validates are the permissions of the validation, besides looking into accounts: with
// triggers.paths it compares the commit with what is deployed.
func (r renderer) validates() []any {
	own := append(r.readsRepository(), r.writes(bucket.Validation))
	if len(r.cfg.Triggers.Paths) == 0 {
		return own
	}
	deployed := []string{bucket.DeployedKey(), bucket.OrderKey(), bucket.ReachedPrefix() + "*"}
	return append(own, r.reads(deployed...), when(allow("Find", actions("s3:ListBucket"), r.bucketARN("")), "StringLike", "s3:prefix", deployed...))
}

// builds are the permissions of the build: to store the artifact of a commit and the
// record of its step, to read the repository, and to keep the cache, which nobody else reads.
func (r renderer) builds() []any {
	artifacts, caches := r.bucketARN("/"+bucket.ArtifactKeys()), r.bucketARN("/"+bucket.CacheKeys())
	return append(r.readsRepository(),
		r.writes(bucket.Build),
		allow("FinishParts", actions("s3:PutObjectTagging", "s3:AbortMultipartUpload"), artifacts),
		allow("KeepCache", actions("s3:GetObject", "s3:AbortMultipartUpload"), caches),
		when(allow("Find", actions("s3:ListBucket"), r.bucketARN("")), "StringLike", "s3:prefix", bucket.CommitKeys(), bucket.CacheKeys()),
	)
}

// updates are the permissions of the update of the pipeline, besides looking into
// accounts.
func (r renderer) updates() []any {
	own := append(r.readsRepository(),
		r.writes(bucket.Update),
		r.reads(bucket.CommitKeys(), bucket.RecordKeys(), bucket.ReachedPrefix()+"*", bucket.OrderKey(), bucket.OverridesPrefix()+"*", bucket.ApprovalsPrefix()+"*", bucket.StacksPrefix()+"*"),
		allow("ReadTemplate", actions("s3:GetObject"), r.keys([]string{bucket.TemplatesPrefix() + "*"})...), // as CloudFormation does for the caller
		allow("Find", actions("s3:ListBucket"), r.bucketARN("")),
	)
	return append(append(own, r.updatesItself()...), r.publishesOwnStack()...)
}

// deploys are the permissions of every deployment and its tests, besides its access to an
// account.
func (r renderer) deploys() []any {
	return append([]any{
		r.writes(bucket.Deployment),
		r.reads(append(bucket.ProofKeys(), bucket.CommitKeys(), bucket.ReachedPrefix()+"*", bucket.OrderKey(), bucket.FreezesPrefix()+"*", bucket.OverridesPrefix()+"*", bucket.ApprovalsPrefix()+"*", bucket.StacksPrefix()+"*", bucket.DurationsPrefix()+"*")...),
		allow("Find", actions("s3:ListBucket"), r.bucketARN("")),
	}, append(r.provesArtifacts(), r.readsSigningKey()...)...)
}

// records are the permissions of the record of a run, and of the pod that waits for the gates of
// an environment: it sees nothing of the commit but its configuration.
func (r renderer) records() []any {
	return append([]any{
		r.writes(bucket.Recording), r.reads(bucket.WrittenConditionally()),
		allow("Find", actions("s3:ListBucket"), r.bucketARN("")),
	}, r.readsReleases()...)
}

// publishesMetrics are the permissions of the record of a run for its metrics: CloudWatch has
// no others, and no resources.
func (r renderer) publishesMetrics() []any {
	if !r.cfg.Metrics {
		return nil
	}
	return []any{when(allow("PublishMetrics", actions("cloudwatch:PutMetricData"), "*"), "StringEquals", "cloudwatch:namespace", metric.Namespace)}
}

// notifies are the permissions of the record of a run for its notifications.
func (r renderer) notifies() []any {
	statements := r.reading(plan.NotificationSecrets(r.cfg))
	if topics := plan.NotificationTopics(r.cfg); topics != nil {
		statements = append(statements, allow(sidTopics, actions("sns:Publish"), topics...))
	}
	return statements
}

// watches are the permissions of the reconciler.
func (r renderer) watches() []any {
	return append(r.readsRepository(),
		when(allow("Find", actions("s3:ListBucket"), r.bucketARN("")), "StringLike", "s3:prefix", bucket.RecordKeys()),
		r.reads(bucket.RecordKeys()),
	)
}

// readsRepository is the permission to read the GitHub token, or the private key of the
// GitHub App, if there is one.
func (r renderer) readsRepository() []any {
	secret := r.cfg.RepositorySecret()
	if secret == "" {
		return []any{}
	}
	token := allow("ReadToken", actions("secretsmanager:GetSecretValue"), r.secretARN(secret))
	return append([]any{token}, r.decrypts(sidDecryptToken, "secretsmanager")...)
}

// updatesItself are the permissions to update this stack with another template,
// through the role of the stack, and the repository's own pipeline stack through its role.
func (r renderer) updatesItself() []any {
	stacks, roles := []string{r.stackARN()}, []string{r.place.RoleARN(r.names.StackRole)}
	if own := r.cfg.PipelineStack; own != nil {
		stacks = append(stacks, r.arn("cloudformation", "stack/"+own.Name+"/*"))
		roles = append(roles, r.place.RoleARN(r.names.OwnStackRole))
	}
	statements := []any{
		allow("UpdateOwnStack", actions(
			"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:DescribeEvents", "cloudformation:GetTemplate",
			"cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
		), stacks...),
		// Without a role, CloudFormation uses the one that the stack had last: a person's, say.
		when(allow("ChangeByRole", actions("cloudformation:CreateChangeSet"), stacks...), "StringEquals", "cloudformation:RoleArn", roles...),
		when(allow("LetStackRoleWork", actions("iam:PassRole"), roles...), "StringEquals", "iam:PassedToService", "cloudformation.amazonaws.com"),
	}
	if r.cfg.PipelineStack != nil {
		statements = append(statements, allow("ReadBootstrap", actions("ssm:GetParameter"), r.arn("ssm", "parameter"+bootstrap.VersionParameter(bootstrap.DefaultQualifier))))
	}
	return statements
}

// publishesOwnStack is the permission to publish the assets of the repository's own
// pipeline stack.
func (r renderer) publishesOwnStack() []any {
	if r.cfg.PipelineStack == nil {
		return nil
	}
	here := plan.Access{Account: r.place.Account, Qualifiers: []string{bootstrap.DefaultQualifier}}
	publish := assumeRoles(r.rolesOf(here, bootstrap.FilePublishingRole, bootstrap.ImagePublishingRole, bootstrap.LookupRole)...)
	publish["Sid"] = "PublishOwnStack"
	return []any{publish}
}

// deploysOwnStack are the permissions of the role of the repository's own pipeline
// stack: what watches and notifies. Nothing of it says what anyone may do; a person
// deploys a stack that needs more.
func (r renderer) deploysOwnStack() []any {
	return []any{allow("WatchAndNotify", actions(
		"cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:PutCompositeAlarm", "cloudwatch:DeleteAlarms",
		"cloudwatch:GetDashboard", "cloudwatch:PutDashboard", "cloudwatch:DeleteDashboards", "cloudwatch:ListTagsForResource", "cloudwatch:TagResource", "cloudwatch:UntagResource",
		"logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy",
		"logs:PutMetricFilter", "logs:DeleteMetricFilter", "logs:DescribeMetricFilters", "logs:ListTagsForResource", "logs:TagResource", "logs:UntagResource",
		"sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:Subscribe", "sns:Unsubscribe", "sns:ListSubscriptionsByTopic",
		"sns:ListTagsForResource", "sns:TagResource", "sns:UntagResource",
		"sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:TagQueue", "sqs:UntagQueue",
		"ssm:PutParameter", "ssm:DeleteParameter", "ssm:GetParameters", "ssm:AddTagsToResource", "ssm:RemoveTagsFromResource", "ssm:ListTagsForResource",
	), "*")}
}

// changesStack are the permissions of the role of the stack: the settings of the bucket
// and of the secret. It changes nothing that says what anyone may do: no role, no
// policy, no boundary, no policy of the bucket.
func (r renderer) changesStack() []any {
	return []any{
		allow("Bucket", actions(
			"s3:GetBucketVersioning", "s3:GetBucketTagging", "s3:GetBucketPublicAccessBlock", "s3:GetBucketOwnershipControls",
			"s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:PutBucketVersioning", "s3:PutBucketTagging",
			"s3:PutBucketPublicAccessBlock", "s3:PutBucketOwnershipControls", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
		), r.bucketARN("")),
		allow("Secret", actions("secretsmanager:DescribeSecret", "secretsmanager:UpdateSecret", "secretsmanager:TagResource", "secretsmanager:UntagResource"), r.secretARN(r.names.Secret)),
	}
}
