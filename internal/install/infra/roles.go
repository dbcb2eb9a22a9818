package infra

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

// updaterRole renders the role with which CloudFormation updates this stack for the
// pipeline. It changes permissions only within the boundary. It can change neither the
// boundary nor itself: only an administrator can.
func (r renderer) updaterRole() object {
	return object{
		"Type": "AWS::IAM::Role",
		"Properties": object{
			"RoleName":    r.names.UpdaterRole,
			"Description": "Pipeline " + r.names.Pipeline + ": CloudFormation updates the pipeline's own stack with it",
			"AssumeRolePolicyDocument": document(object{
				"Effect": "Allow", "Principal": object{"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole",
			}),
			"Policies": []any{object{"PolicyName": "pipeline", "PolicyDocument": document(r.updates()...)}},
			"Tags":     r.tags(),
		},
	}
}

// boundary renders the permissions boundary of all pods of the pipeline. It does not
// depend on the environments, so that a commit that adds one stays within it: whether an
// account trusts the pipeline is the decision of that account.
func (r renderer) boundary() object {
	own := append(r.readsRepository(),
		allow("Artifacts", actions("s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging", "s3:ListBucket", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
			r.bucketARN(""), r.bucketARN("/*")),
		allow("Enter", actions("sts:AssumeRole", "sts:TagSession"), "arn:"+r.place.Partition()+":iam::*:role/*"),
		allow("Metrics", actions("cloudwatch:PutMetricData"), "*"),
	)
	return object{
		"Type": "AWS::IAM::ManagedPolicy",
		"Properties": object{
			"ManagedPolicyName": r.names.Boundary,
			"Description":       "The most that the pods of pipeline " + r.names.Pipeline + " may ever do",
			"PolicyDocument":    document(append(own, r.updatesItself()...)...),
		},
	}
}
