package infra

import (
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// podRole renders a role that only the pods of one ServiceAccount can assume.
func (r renderer) podRole(name, account, does string, statements []any) object {
	return object{
		"Type": "AWS::IAM::Role",
		"Properties": object{
			"RoleName":                 name,
			"Description":              "Pipeline " + r.names.Pipeline + ": " + does,
			"AssumeRolePolicyDocument": r.trust(account),
			"PermissionsBoundary":      ref(boundaryID),
			"Policies":                 []any{object{"PolicyName": "pipeline", "PolicyDocument": document(statements...)}},
			"Tags":                     r.tags(),
		},
	}
}

// trust renders the trust policy. The keys of its conditions begin with the issuer, which
// only CloudFormation knows; as keys of a mapping cannot be computed, the document is a
// string.
func (r renderer) trust(account string) object {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Principal":{"Federated":"${` + ParameterProvider + `}"},"Condition":{"StringEquals":{` +
		`"${Issuer}:aud":"sts.amazonaws.com","${Issuer}:sub":"system:serviceaccount:` + r.cfg.ArgoNamespace + ":" + account + `"}}}]}`
	issuer := object{"Fn::Select": []any{1, object{"Fn::Split": []any{":oidc-provider/", ref(ParameterProvider)}}}}
	return object{"Fn::Sub": []any{text, object{"Issuer": issuer}}}
}

// deployerRole renders the role of the deployments that use an access. It is small, as a
// pipeline has one for each account.
func (r renderer) deployerRole(access plan.Access) object {
	return object{
		"Type": "AWS::IAM::Role",
		"Properties": object{
			"RoleName":                 r.names.DeployerRole(access),
			"AssumeRolePolicyDocument": r.trust(r.names.Deployer(access)),
			"PermissionsBoundary":      ref(boundaryID),
			"ManagedPolicyArns":        []any{ref(deploymentsID)},
			"Policies":                 []any{object{"PolicyName": "enter", "PolicyDocument": document(r.enters(access))}},
		},
	}
}

// stackRole renders the role with which CloudFormation updates this stack for the
// pipeline. It can change no permissions: only a person can.
func (r renderer) stackRole() object {
	return r.cloudFormationRole(r.names.StackRole, "updates the pipeline's own stack", r.changesStack())
}

// cloudFormationRole renders a role that only CloudFormation can assume.
func (r renderer) cloudFormationRole(name, does string, statements []any) object {
	return object{
		"Type": "AWS::IAM::Role",
		"Properties": object{
			"RoleName":    name,
			"Description": "Pipeline " + r.names.Pipeline + ": CloudFormation " + does + " with it",
			"AssumeRolePolicyDocument": document(object{
				"Effect": "Allow", "Principal": object{"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole",
			}),
			"Policies": []any{object{"PolicyName": "pipeline", "PolicyDocument": document(statements...)}},
			"Tags":     r.tags(),
		},
	}
}

// boundary renders the permissions boundary of all pods of the pipeline: whatever their
// roles say, they do no more.
func (r renderer) boundary() (object, error) {
	own := append(r.readsRepository(),
		allow("Artifacts", actions("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:ListBucket", "s3:AbortMultipartUpload"),
			r.bucketARN(""), r.bucketARN("/*")),
		assumeRoles("arn:"+r.place.Partition()+":iam::*:role/*"),
	)
	secrets := r.allSecrets()
	own = append(append(own, r.reading(secrets)...), r.publishesMetrics()...)
	own = append(append(own, r.signs()...), r.readsSigningKey()...)
	if topics := plan.NotificationTopics(r.cfg); topics != nil {
		own = append(own, allow(sidTopics, actions("sns:Publish"), topics...))
	}
	policy := document(append(own, r.updatesItself()...)...)
	if size(policy) > maxPolicySize {
		return nil, errs.Invalidf("commands and notifications have %d secrets, more than the %d characters of one policy can hold", len(secrets), maxPolicySize).
			WithHint("store several values in one secret as a JSON object, and name their keys")
	}
	return r.managedPolicy(r.names.Boundary, "The most that the pods of pipeline "+r.names.Pipeline+" may ever do", policy), nil
}
