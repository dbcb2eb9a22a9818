package config

import "sync"

// rules are the rules by the names in the tags of the types, with the sources of
// their limits.
var rules = sync.OnceValue(func() map[string]rule {
	all := map[string]rule{}
	for _, group := range []map[string]rule{ownRules, timeRules, policyRules, awsRules, kubernetesRules, githubRules} {
		for name, rule := range group {
			all[name] = rule
		}
	}
	return all
})

var ownRules = map[string]rule{
	"version": {
		expect:  `"1.0", in quotes`,
		pattern: `^1\.0$`,
		hint:    func(rule, string) string { return "this program reads version 1.0 of the format only" },
	},
	// The name is part of the names of Argo steps and pods: RFC 1123 labels, with
	// room for `deploy-` and Argo's suffixes.
	"environmentName": {
		expect:  "an environment name: at most 40 lower-case letters, digits and hyphens, with a letter first and no hyphen last",
		pattern: `^[a-z]([a-z0-9-]*[a-z0-9])?$`,
		most:    40,
		hint:    tidyHint,
	},
	"path": {
		expect:  "a path inside the repository, relative to its root, with / between its parts",
		pattern: `^(\.|\.[^.].*|\.\.[^/].*|[^./\\-].*)$`,
		check:   pathProblem,
	},
	"cachePath": {
		expect:  "a folder inside the repository, relative to its root, or below the home of the build, such as node_modules or ~/.npm",
		pattern: `^(~/)?[^~/\\-].*$`,
		check:   cachePathProblem,
	},
	"command": {
		expect:  "a shell command",
		pattern: `\S`,
		check:   nulProblem,
	},
	"contextKey": {
		expect:  "a key of the CDK context",
		pattern: `^[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$`,
	},
	"ownContextKey": {
		expect:  "a key of the CDK context that does not begin with aws:",
		pattern: `^([^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?)$`,
		check:   contextProblem,
	},
	// RFC 1123, section 2.1.
	"host": {
		expect:  "the name of a host, such as gitlab.com or git.example.com:8443",
		pattern: `^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:[0-9]{1,5})?$`,
		most:    253,
	},
	// RFC 3986 without user and fragment: a password belongs in a secret, and a fragment is
	// not sent. Addresses that a name has are checked when it is used.
	"webhookUrl": {
		expect:  "the URL of a server, such as https://events.example.com/aphex",
		pattern: `^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9/._~%!&'()*+,;=:@-]*)?([?][A-Za-z0-9/._~%!&'()*+,;=:@?-]*)?$`,
		most:    2048,
	},
	"runUrl": {
		expect:  "the URL of the page of a run, such as https://argo.example.com/workflows/{namespace}/{run}",
		pattern: `^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/([A-Za-z0-9/._~%!&'()*+,;=:@?#-]|\{run\}|\{namespace\})*$`,
		most:    1024,
		check:   runURLProblem,
	},
	// With less than 128Mi the programs of a stage do not start, and no node has as much
	// as the most.
	"size": {
		expect:  "a size from 128Mi to 99999Gi, such as 512Mi or 8Gi",
		pattern: `^((12[89]|1[3-9][0-9]|[2-9][0-9]{2}|[1-9][0-9]{3,6})Mi|[1-9][0-9]{0,4}Gi)$`,
	},
	"variable": {
		expect:  "the name of a variable: letters, digits and underscores, with no digit first",
		pattern: `^[A-Za-z_][A-Za-z0-9_]*$`,
		check:   variableProblem,
	},
	"buildVariable": {
		expect:  "the name of a variable: letters, digits and underscores, with no digit first",
		pattern: `^[A-Za-z_][A-Za-z0-9_]*$`,
		check:   buildVariableProblem,
	},
	// The cluster ends a pod after 24 hours.
	"timeout": {
		expect:  "a duration of at most 24h, such as 90s, 20m or 1h30m",
		pattern: `^([1-9][0-9]?h([1-9][0-9]?m)?([1-9][0-9]?s)?|[1-9][0-9]{0,3}m([1-9][0-9]?s)?|[1-9][0-9]{0,4}s)$`,
		check:   timeoutProblem,
	},
	"pathPattern": {
		expect:  "a path from the root of the repository, which may have the wildcards *, ? and **, and ! before it",
		pattern: `^!?[^!/\x00-\x1f\x7f\\\[\]{}][^\x00-\x1f\x7f\\\[\]{}]*$`,
		most:    1024,
		check:   patternProblem,
	},
	"tagPattern": {
		expect:  "the name of a tag: letters, digits and the characters . _ / + @ -, with the wildcards *, ? and **",
		pattern: `^[^\x00-),/:->\[-^{-\x7f` + "`" + `][^\x00-),:->\[-^{-\x7f` + "`" + `]*$`,
		most:    244,
	},
	"timezone": {
		expect:  "the name of a time zone, such as UTC or Europe/Berlin",
		pattern: `^[A-Za-z][A-Za-z0-9_+/-]*$`,
		most:    64,
		check:   timezoneProblem,
	},
	"cron": {
		expect:  "five cron fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12), day of week (0-6, Sunday is 0)",
		pattern: `^\S+( +\S+){4}$`,
		check:   cronProblem,
	},
}

// topicARN matches the ARNs of SNS topics that the CDK CLI accepts.
const topicARN = `^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_-]+$`

// IsTopicARN reports whether the CDK CLI accepts a text as the ARN of an SNS topic.
func IsTopicARN(text string) bool { return compiled(topicARN).MatchString(text) }

var awsRules = map[string]rule{
	"account": {
		expect:  "an AWS account id of 12 digits, in quotes",
		pattern: `^[0-9]{12}$`,
	},
	// All present and future partitions: us-gov-west-1, cn-north-1, ap-southeast-5,
	// us-isob-east-1, eusc-de-east-1.
	"region": {
		expect:  "an AWS region, such as eu-west-1 or us-gov-west-1",
		pattern: regionPattern,
		hint:    regionHint,
	},
	// The pattern of Qualifier in the CDK's bootstrap template.
	"qualifier": {
		expect:  "the qualifier of a CDK bootstrap: at most 10 letters, digits, hyphens and underscores",
		pattern: `^[A-Za-z0-9_-]{1,10}$`,
	},
	// A name has the characters in CloudFormation's API reference (CreateStack,
	// StackName); a path also those of construct ids, a pattern also its wildcards.
	"stackName": {
		expect:  "the name of a stack such as ApiStack, its construct path such as Prod/Api, or a pattern of paths such as Prod/*",
		pattern: `^[A-Za-z*?{\[][A-Za-z0-9._/*?!,{}\[\]-]*$`,
		most:    256,
		check:   stackNameProblem,
	},
	// CloudFormation's user guide, Parameters.
	"parameterKey": {
		expect:  "the logical id of a template's parameter: letters and digits",
		pattern: `^[A-Za-z0-9]+$`,
		most:    255,
	},
	"topicArn": {
		expect:  "the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:111111111111:deployments",
		pattern: topicARN,
	},
	// CloudWatch's API reference, MetricAlarm, AlarmName.
	"alarmArn": {
		expect:  "the ARN of a CloudWatch alarm, such as arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors",
		pattern: `^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:[0-9]{12}:alarm:.{1,255}$`,
	},
	// ACM's API reference, RequestCertificate, CertificateArn.
	"certificateArn": {
		expect:  "the ARN of a certificate, such as arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234-1234-1234-123456789012",
		pattern: `^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$`,
		most:    2048,
	},
	// KMS's developer guide, "Key ARN". IAM evaluates keys alone, not their aliases.
	"keyArn": {
		expect:  "the ARN of a KMS key, not of an alias, such as arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012",
		pattern: `^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-)?[0-9a-f-]{32,36}$`,
	},
	// IAM's API reference, CreateRole, RoleName and Path.
	"roleArn": {
		expect:  "the ARN of an IAM role, such as arn:aws:iam::111111111111:role/Name",
		pattern: `^arn:aws[a-z-]*:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$`,
		most:    2048,
	},
	// STS's API reference, AssumeRole, ExternalId.
	"externalId": {
		expect:  "2 to 1224 letters, digits and the characters _ + = , . @ : / -",
		pattern: `^[A-Za-z0-9_+=,.@:/-]*$`,
		least:   2,
		most:    1224,
	},
	// S3's user guide, "General purpose bucket naming rules".
	"bucketName": {
		expect:  "an S3 bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit first and last",
		pattern: `^[a-z0-9][a-z0-9.-]*[a-z0-9]$`,
		least:   3,
		most:    63,
		check:   bucketProblem,
	},
	// Secrets Manager's API reference, CreateSecret, Name.
	"secretName": {
		expect:  "the name of a secret: at most 512 letters, digits and the characters / _ + = . @ -",
		pattern: `^[A-Za-z0-9/_+=.@-]*$`,
		most:    512,
	},
	"secretKey": {
		expect:  "a key of a JSON object",
		pattern: `^[^\x00-\x1f\x7f]+$`,
		most:    256,
	},
	// SSM's API reference, PutParameter, Name.
	"parameterName": {
		expect:  "the name of a parameter of your own, such as /shop/npm-token: letters, digits and the characters / _ . -",
		pattern: `^[A-Za-z0-9/_.-]+$`,
		most:    1011,
		check:   parameterProblem,
	},
	// EKS's API reference, CreateCluster, name.
	"clusterName": {
		expect:  "an EKS cluster name: at most 100 letters, digits, hyphens and underscores, with a letter or digit first",
		pattern: `^[A-Za-z0-9][A-Za-z0-9_-]*$`,
		most:    100,
	},
	// CloudFormation's user guide, Outputs, Export; the longest suffix is ClusterSecurityGroupId.
	"exportPrefix": {
		expect:  "the beginning of a CloudFormation export name: at most 200 letters, digits, colons and hyphens",
		pattern: `^[A-Za-z0-9:-]*$`,
		most:    200,
	},
}

var kubernetesRules = map[string]rule{
	// RFC 1123 label, as names are used in Kubernetes labels too.
	"kubernetesName": {
		expect:  "a Kubernetes name: at most 63 lower-case letters, digits and hyphens, with a letter or digit first and last",
		pattern: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`,
		most:    63,
		hint:    tidyHint,
	},
	"namespace": {
		expect:  "a Kubernetes namespace: at most 63 lower-case letters, digits and hyphens, with a letter or digit first and last",
		pattern: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`,
		most:    63,
		hint:    tidyHint,
	},
	// Argo Events creates a Service `<name>-eventsource-svc`: RFC 1035 label.
	"eventSourceName": {
		expect:  "a Kubernetes name: at most 47 lower-case letters, digits and hyphens, with a letter first and no hyphen last",
		pattern: `^[a-z]([a-z0-9-]*[a-z0-9])?$`,
		most:    47,
		hint:    tidyHint,
	},
	// A CronWorkflow has the same name, which Argo limits to 52 characters.
	"templateName": {
		expect:  "a Kubernetes name: at most 52 lower-case letters, digits and hyphens, with a letter or digit first and last",
		pattern: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`,
		most:    52,
		hint:    tidyHint,
	},
	// The digits of a commit follow, and Argo labels pods with the whole name: 63 characters.
	"namePrefix": {
		expect:  "the beginning of a Kubernetes name: at most 23 lower-case letters, digits and hyphens, with a letter first",
		pattern: `^[a-z][a-z0-9-]*$`,
		most:    23,
		hint:    tidyHint,
	},
	// RFC 1123 subdomain: names of most objects.
	"subdomain": {
		expect:  "the name of a Kubernetes object: at most 253 lower-case letters, digits, hyphens and dots, with a letter or digit first and last",
		pattern: `^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`,
		most:    253,
	},
	// Kubernetes' documentation, "Labels and Selectors".
	"labelKey": {
		expect:  "the key of a Kubernetes label, such as team or example.com/team",
		pattern: labelKey,
		check:   labelKeyProblem,
	},
	"labelValue": {
		expect:  "the value of a Kubernetes label: at most 63 letters, digits, hyphens, underscores and dots, with a letter or digit first and last",
		pattern: `^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`,
		most:    63,
	},
	"podLabel": {
		expect:  "the key of a label that neither the pipeline nor Argo sets, such as example.com/team",
		pattern: labelKey,
		check:   podLabelProblem,
	},
	"podAnnotation": {
		expect:  "the key of an annotation that neither the pipeline nor Argo sets, such as sidecar.istio.io/inject",
		pattern: labelKey,
		check:   podAnnotationProblem,
	},
	// No user and password: the file is in the repository.
	"proxy": {
		expect:  "the address of a proxy without a user and a password, such as http://proxy.example.com:3128",
		pattern: `^https?://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`,
		most:    255,
	},
	"noProxy": {
		expect:  "a host, a domain with a dot first, or a network, such as db.example.com, .example.com or 10.0.0.0/8",
		pattern: `^[A-Za-z0-9.:-]+(/[0-9]{1,3})?$`,
		most:    253,
	},
	"builderAddress": {
		expect:  "the address of a BuildKit, such as tcp://buildkitd.shop-images.svc:1234",
		pattern: `^tcp://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$`,
		most:    255,
	},
	// Keys of ConfigMaps.
	"fileKey": {
		expect:  "the key of a ConfigMap: at most 253 letters, digits, hyphens, underscores and dots, with a letter or digit first",
		pattern: `^[A-Za-z0-9][A-Za-z0-9._-]*$`,
		most:    253,
	},
	"resourceName": {
		expect:  "cpu, memory or ephemeral-storage",
		pattern: `^(cpu|memory|ephemeral-storage)$`,
	},
	// The grammar of distribution/reference.
	"image": {
		expect:  "an image such as public.ecr.aws/aphex/builder:latest",
		pattern: `^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]+)?/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$`,
		most:    500,
	},
}

var githubRules = map[string]rule{
	// Names of managed users have an underscore before the short code.
	"githubOwner": {
		expect:  "a GitHub user or organisation: at most 39 letters, digits and hyphens",
		pattern: `^[A-Za-z0-9][A-Za-z0-9_-]*$`,
		most:    39,
		hint:    ownerHint,
	},
	"githubRepo": {
		expect:  "the name of a GitHub repository: at most 100 letters, digits, dots, hyphens and underscores",
		pattern: `^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$`,
		most:    100,
		check:   repositoryProblem,
		hint:    ownerHint,
	},
	// git-check-ref-format(1).
	"branch": {
		expect:  "the name of a branch, such as main",
		pattern: `^[^-/.\x00-\x20\x7f~^:?*\[\\@][^\x00-\x20\x7f~^:?*\[\\]*$|^@[^\x00-\x20\x7f~^:?*\[\\{]+$`,
		most:    244,
		check:   branchProblem,
	},
}
