package infra

import (
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/bucket"
)

// Logical ids of resources that others refer to.
const (
	bucketID       = "ArtifactBucket"
	bucketPolicyID = "ArtifactBucketPolicy"
	secretID       = "WebhookSecret"
	boundaryID     = "Boundary"
	deploymentsID  = "Deployments"
	lookupsID      = "Lookups"
	commandsID     = "BuildCommands"
	buildSecretsID = "BuildSecrets"
	metricsID      = "RecorderMetrics"
	signingID      = "Signing"
	notificationID = "RecorderNotifications"
)

// bucket renders the artifact bucket. It is retained when the stack is deleted, as it
// contains the records of all deployments.
func (r renderer) bucket() object {
	return object{
		"Type":                "AWS::S3::Bucket",
		"DeletionPolicy":      "Retain",
		"UpdateReplacePolicy": "Retain",
		"Properties": object{
			"BucketName":              r.place.Bucket,
			"VersioningConfiguration": object{"Status": "Enabled"},
			"OwnershipControls":       object{"Rules": []any{object{"ObjectOwnership": "BucketOwnerEnforced"}}},
			"BucketEncryption": object{"ServerSideEncryptionConfiguration": []any{
				object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}},
			}},
			"PublicAccessBlockConfiguration": object{
				"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
			},
			"LifecycleConfiguration": object{"Rules": r.lifecycle()},
			"Tags":                   r.tags(),
		},
	}
}

// lifecycle renders the rules of what expires.
func (r renderer) lifecycle() []any {
	rules := []any{
		object{
			"Id": "tidy", "Status": "Enabled", "ExpiredObjectDeleteMarker": true,
			"NoncurrentVersionExpiration":    object{"NoncurrentDays": bucket.OldVersionsDays},
			"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": bucket.HalfUploadsDays},
		},
		object{
			"Id": "cache", "Status": "Enabled", "Prefix": bucket.CachesPrefix(), "ExpirationInDays": bucket.CacheDays,
			"NoncurrentVersionExpiration": object{"NoncurrentDays": bucket.OldCacheDays},
		},
	}
	for i, prefix := range bucket.ExpiringPrefixes() {
		rules = append(rules, object{"Id": fmt.Sprintf("expire-%d", i), "Status": "Enabled", "Prefix": prefix, "ExpirationInDays": r.cfg.ArtifactRetentionDays})
	}
	return rules
}

// bucketPolicy denies, whatever permissions the caller has, requests without TLS, and
// writes without their condition: that what is written once does not exist, and that state
// is unchanged.
func (r renderer) bucketPolicy() object {
	return object{
		"Type": "AWS::S3::BucketPolicy",
		"Properties": object{
			"Bucket": ref(bucketID),
			"PolicyDocument": document(
				object{
					"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
					"Resource":  []any{r.bucketARN(""), r.bucketARN("/*")},
					"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
				},
				r.requires("WrittenOnce", bucket.WrittenOnce(), "s3:if-none-match"),
				r.requires("UpdatedAsRead", []string{bucket.WrittenConditionally()}, "s3:if-none-match", "s3:if-match"),
			),
		},
	}
}

// requires denies writes that have none of these conditions. The parts of a large object
// have none before the last call, which makes the object.
func (r renderer) requires(sid string, patterns []string, conditions ...string) object {
	absent := object{}
	for _, key := range conditions {
		absent[key] = "true"
	}
	return object{
		"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": r.keys(patterns),
		"Condition": object{"Null": absent, "Bool": object{"s3:ObjectCreationOperation": "true"}},
	}
}

// secret renders the webhook secret, which Secrets Manager generates, so that no user
// needs to see it.
func (r renderer) secret() object {
	return object{
		"Type": "AWS::SecretsManager::Secret",
		"Properties": object{
			"Name":                 r.names.Secret,
			"Description":          "Signs GitHub's deliveries to the webhook of " + r.names.Pipeline,
			"GenerateSecretString": object{"PasswordLength": 64, "ExcludePunctuation": true},
			"Tags":                 r.tags(),
		},
	}
}

func (r renderer) tags() []any {
	return []any{
		object{"Key": "aphex.dev/pipeline", "Value": r.names.Pipeline},
		object{"Key": "app.kubernetes.io/managed-by", "Value": "aphex-pipeline"},
	}
}
