package argo_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

// hostile are texts with a special meaning for a shell, Argo, YAML or a program's command
// line (argo-workflows#6441, CVE-2021-37914).
var hostile = []string{
	`zzz";echo${IFS}"hello";#`, "$(touch${IFS}pwned)", "`touch pwned`", "a\ntouch pwned", "a\rb", "a\tb", "\x1b[2J", "'; touch pwned; '", "a;touch${IFS}pwned",
	`"}], "args": ["echo nope"]`, `a\"b`, "a: b", "- a", "&a *a", "!!binary x", "a #b", "|", "--help", "-x", "--config=/etc/passwd", "../../etc/passwd", "/aphex/outputs",
	"{{workflow.name}}", "{{=1+1}}", "{{inputs.parameters.digest}}", "a{{b", "}}{{", "{{", "{", "${HOME}", "%s%n", "~", strings.Repeat("x", 5000),
}

// words are texts that YAML does not read as strings unless they are quoted; they are
// valid names.
var words = []string{"null", "0x10", "1e3", "yes", "012"}

// everything is a configuration with a value for every key.
var everything = imageKeys() + `version: "1.0"
githubOwner: my-org
githubRepo: my-app
githubHost: github.example.com
githubBranch: main
githubTokenSecretName: token
kmsKeyArns: ["arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"]
signing: {kmsKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"}
clusterName: company
clusterExportPrefix: AphexCluster-company-
workflowTemplateName: shop
eventSourceName: shop-github
sensorName: shop-sensor
serviceAccountName: shop
workflowNamePrefix: shop-
argoNamespace: argo
argoEventsNamespace: argo-events
artifactBucketName: artifacts
webhookService: LoadBalancer
webhookCertificateArn: arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234
requiredContext: [key]
pipelineStack: {name: Own, path: pipeline}
selfUpdate: {onFailure: stop}
supersede: never
podLimits: {memory: 3Gi, storage: 4Gi}
workspaceVolume: {storageClassName: gp3}
imageBuilder: {address: "tcp://buildkitd.images.svc:1234", tlsSecretName: builder, serverName: builder.test}
proxy: {https: "http://proxy:3128", http: "http://proxy:3128", noProxy: [.example.com]}
caBundle: {name: trusted, key: ca.pem}
pods:
  resources: {requests: {cpu: "1", memory: 1Gi}, limits: {cpu: "2"}}
  nodeSelector: {pool: pipelines}
  tolerations: [{key: pipelines, operator: Equal, value: builds, effect: NoExecute, tolerationSeconds: 300}]
  priorityClassName: pipelines
  imagePullSecrets: [{name: registry}]
  labels: {team: shop}
  annotations: {sidecar.istio.io/inject: "false"}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: arch, operator: In, values: [amd64]}]}]}
      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 50, preference: {matchExpressions: [{key: cores, operator: Gt, values: ["4"]}]}}]
    podAffinity:
      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: cache}}}}]
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - {topologyKey: host, namespaces: [builds], labelSelector: {matchExpressions: [{key: app, operator: In, values: [cache]}]}}
reconcileSchedule: "*/5 * * * *"
metrics: true
notifications:
  - {sns: {topicArn: "arn:aws:sns:eu-west-1:111111111111:news"}}
  - {slack: {secretName: shop/slack}, events: [failed], environments: [dev]}
  - {teams: {secretName: shop/teams}}
  - {webhook: {url: "https://events.example.com/aphex", signingSecretName: shop/key}}
  - {webhook: {secretName: shop/url}}
  - {github: {report: [statuses, deployments]}}
runUrl: https://argo.example.com/workflows/{namespace}/{run}
pullRequests: {plan: template, failOn: [broadening, destructive]}
triggers: {paths: [lib/**], tags: [v*], schedule: "0 3 * * *", timezone: Europe/Berlin}
build:
  {commands: [make], artifacts: [dist], env: {NODE_ENV: production}, timeout: 30m, cache: {paths: [~/.npm], key: [package-lock.json]}, resources: {requests: {memory: 2Gi}, limits: {memory: 16Gi}}}
checkout: {submodules: true, submoduleHosts: [gitlab.com], lfs: true}
stacks:
  - {name: Base, path: lib}
  - {name: Api, path: lib, dependsOn: [Base]}
environments:
  - {name: first, account: "111111111111", region: eu-west-1, regions: [us-east-1], bootstrapQualifiers: [hnb659fds], stacks: [Base, Api], rollbackAlarms: ["arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors"], monitoringMinutes: 10}
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [Base, {name: Own2, path: lib, dependsOn: [Base]}]
    tests: {commands: ["true"], env: {BROWSER: chromium}, timeout: 20m}
    hooks: {preDeploy: ["true"], postDeploy: ["true"], env: {QUOTA: "1"}, timeout: 5m}
    after: [first]
    roleArn: arn:aws:iam::111111111111:role/Own
    commandRoleArn: arn:aws:iam::111111111111:role/Tests
    externalId: external
    requiresApproval: true
    requireProvenance: true
    windows: [{days: [mon-thu], from: "09:00", to: "16:00", timezone: Europe/Berlin}]
    holdOn: [stateful, broadening]
    acknowledge: [Orders]
    policy: [{rule: "!plan.destructive", message: nothing is lost here}]
    freezes: [{from: "2026-12-18", until: "2027-01-04", why: the year ends, timezone: Europe/Berlin}]
    onFailure: stop
    onRemovedStack: destroy
    importExistingResources: true
    parameters: {Level: info, Base: {Size: "1"}}
    context: {tier: gold}
    env: {STAGE: blue}
    notificationArns: ["arn:aws:sns:eu-west-1:111111111111:news"]
`

// byApp is everything with the one key that excludes another one.
var byApp = strings.Replace(everything, "githubTokenSecretName: token\n", "githubApp: {id: 1, installationId: 2, privateKeySecretName: token}\n", 1)

// imageKeys gives every program an image.
func imageKeys() (lines string) {
	for _, c := range stages.Contracts() {
		if line := c.Program() + "Image: example.test/own-" + c.Program() + ":1\n"; !strings.Contains(lines, line) {
			lines += line
		}
	}
	return lines
}

// texts returns every string of a YAML document by path, each with a function that
// replaces it.
func texts(at any, path string, write func(string)) map[string]func(string) {
	found := map[string]func(string){}
	switch value := at.(type) {
	case map[string]any:
		for key, inner := range value {
			for p, w := range texts(inner, path+"."+key, func(text string) { value[key] = text }) {
				found[p] = w
			}
		}
	case []any:
		for i, inner := range value {
			for p, w := range texts(inner, fmt.Sprintf("%s[%d]", path, i), func(text string) { value[i] = text }) {
				found[p] = w
			}
		}
	case string:
		found[strings.TrimPrefix(path, ".")] = write
	}
	return found
}

func document(t require.TestingT, text string) map[string]any {
	var content map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &content))
	return content
}

// clone returns a copy of a document of which no part is shared.
func clone(value any) any {
	switch value := value.(type) {
	case map[string]any:
		clones := make(map[string]any, len(value))
		for key, inner := range value {
			clones[key] = clone(inner)
		}
		return clones
	case []any:
		clones := make([]any, len(value))
		for i, inner := range value {
			clones[i] = clone(inner)
		}
		return clones
	}
	return value
}

func TestTheTableOfHostileValuesCoversEveryStringOfAConfiguration(t *testing.T) {
	known := map[string]bool{}
	for _, text := range []string{everything, byApp} {
		for path := range texts(document(t, text), "", nil) {
			known[path[strings.LastIndexByte("."+path, '.'):]] = true
		}
	}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			inner, key := field.Type, strings.Split(field.Tag.Get("json"), ",")[0]
			suffix := ""
			for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
				if inner.Kind() == reflect.Slice {
					suffix = "[0]"
				}
				inner = inner.Elem()
			}
			switch inner.Kind() {
			case reflect.Struct:
				visit(inner)
			case reflect.String:
				assert.True(t, known[key+suffix], key)
			}
		}
	}
	visit(reflect.TypeFor[config.Config]())
}

// rendersAs loads and renders a configuration as the generator does.
func rendersAs(content map[string]any) (*config.Config, []manifest.Object, error) {
	text, err := yaml.Marshal(content)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := config.Parse(config.File, text)
	if err != nil {
		return nil, nil, err
	}
	at := plan.Place{Account: "111111111111", Region: "eu-west-1", Bucket: cfg.ArtifactBucketName, Config: config.File}
	p, err := plan.New(cfg, stages.Contracts(), at)
	if err != nil {
		return nil, nil, err
	}
	objects, err := argo.Objects(cfg, p, at)
	return cfg, objects, err
}

// shape returns an object without its strings: the rest must not depend on any string.
func shape(value any) any {
	switch value := value.(type) {
	case map[string]any:
		shapes := map[string]any{}
		for key, inner := range value {
			shapes[key] = shape(inner)
		}
		return shapes
	case []any:
		shapes := make([]any, len(value))
		for i, inner := range value {
			shapes[i] = shape(inner)
		}
		return shapes
	}
	return reflect.TypeOf(value).Kind().String()
}

// shapes returns the shapes of objects.
func shapes(t require.TestingT, objects []manifest.Object) []any {
	all := make([]any, len(objects))
	for i, object := range objects {
		all[i] = shape(document(t, string(object.YAML)))
	}
	return all
}

// checkShapes compares the shapes of two renderings, and skips identical objects.
func checkShapes(t require.TestingT, want []manifest.Object, shapes []any, got []manifest.Object, message ...any) {
	require.Len(t, got, len(want), message...)
	for i := range want {
		require.Equal(t, want[i].Kind, got[i].Kind, message...)
		if !bytes.Equal(want[i].YAML, got[i].YAML) {
			content := document(t, string(got[i].YAML))
			if got := shape(content); !reflect.DeepEqual(shapes[i], got) {
				require.Equal(t, shapes[i], got, message...)
			}
			checkExpressions(t, want[i].String(), content)
		}
	}
}

// TestAHostileValueOfAConfigurationIsRefusedOrUsedLiterally writes every text to every
// field, and checks the rendered objects and a run.
func TestAHostileValueOfAConfigurationIsRefusedOrUsedLiterally(t *testing.T) {
	taken := map[string]int{}
	var never []string // rendered: fields that three texts leave unchanged are not tested further
	for _, whole := range []string{everything, byApp} {
		parsed := document(t, whole)
		_, plain, err := rendersAs(parsed)
		require.NoError(t, err)
		plainStream, plainShapes := manifest.Stream(plain), shapes(t, plain)
		for path := range texts(parsed, "", nil) {
			if whole == byApp && !strings.HasPrefix(path, "githubApp.") {
				continue
			}
			for _, text := range slices.Concat(hostile, words) {
				content := clone(parsed).(map[string]any)
				texts(content, "", nil)[path](text)
				_, objects, err := rendersAs(content)
				if err != nil {
					continue
				}
				if taken[path]++; taken[path] == 3 && bytes.Equal(plainStream, manifest.Stream(objects)) {
					never = append(never, path)
					break
				}
				checkShapes(t, plain, plainShapes, objects, "%s: %q", path, text)
			}
		}
	}
	for _, path := range []string{"build.commands[0]", "environments[1].tests.commands[0]", "environments[1].hooks.preDeploy[0]"} {
		assert.Contains(t, never, path, "a command is the user's own text")
	}
	for _, path := range []string{"environments[1].name", "workflowTemplateName", "builderImage", "artifactBucketName", "serviceAccountName", "workflowNamePrefix"} {
		assert.LessOrEqual(t, taken[path], len(words), "%s accepts words only", path)
	}
	assert.Greater(t, taken["githubBranch"], len(words), "git allows odd names of branches")
}

func TestACommandIsNeverPartOfAnObject(t *testing.T) {
	content := document(t, everything)
	for path, write := range texts(content, "", nil) {
		if strings.Contains(path, "ommands[") || strings.Contains(path, "Deploy[") {
			write("echo canary")
		}
	}
	_, objects, err := rendersAs(content)
	require.NoError(t, err)
	assert.NotContains(t, string(manifest.Stream(objects)), "canary")
}

// expressionsAllowed are the fields of an object that may have an expression of Argo as
// their whole value: the variables of a container, the arguments that fill them, and values
// of metrics.
var expressionsAllowed = []string{
	"spec.templates[].container.env[].value",
	"spec.templates[].dag.tasks[].arguments.parameters[].value",
	"spec.metrics.prometheus[].labels[].value",
	"spec.metrics.prometheus[].histogram.value",
}

// computed are the computed expressions: the branch, with every $ doubled for the kubelet,
// and the failures of a run and the reason of a person, with a space after every brace besides.
var computed = []string{
	`{{=sprig.replace("$", "$$", workflow.parameters.branch)}}`,
	`{{=sprig.replace("$", "$$", sprig.replace("{", "{ ", workflow.failures))}}`,
	`{{=sprig.replace("$", "$$", sprig.replace("{", "{ ", workflow.parameters.reason))}}`,
}

// conditions are those of tasks: about the entrypoint, and about outputs of the pipeline's
// own steps, which no event and no command can influence.
var conditions = regexp.MustCompile(`^('\{\{workflow\.mainEntrypoint}}' != 'reconcile'|` +
	`'\{\{tasks\.pipeline\.outputs\.parameters\.result}}' != 'handed-over'|` +
	`'\{\{tasks\.validate\.outputs\.parameters\.skipped}}' == ''|` +
	`'\{\{inputs\.parameters\.(no-approval|left-out)}}' !~ ',[a-z0-9-]+,')$`)

// waits are the names of the steps of one template that waits for the gates of environments.
var waits = regexp.MustCompile(`^gate-\{\{inputs\.parameters\.environment}}$`)

// locks are those of pods that deploy different environments: the plan has their names.
var locks = regexp.MustCompile(`^[a-z0-9-]+\.\{\{inputs\.parameters\.environment}}$`)

// checkAllExpressions checks every expression of Argo in all objects.
func checkAllExpressions(t require.TestingT, objects []manifest.Object) {
	for _, object := range objects {
		checkExpressions(t, object.String(), document(t, string(object.YAML)))
	}
}

// checkExpressions checks every expression of Argo in the content of an object.
func checkExpressions(t require.TestingT, object string, content map[string]any) {
	for path, text := range allTexts(content, "") {
		switch {
		case !strings.Contains(text, "{{"):
		case withoutNumbers(path) == "spec.validations[].expression": // of a policy, which Argo never reads
		case slices.Contains(computed, text):
			require.Contains(t, expressionsAllowed[:1], withoutNumbers(path), object)
		case strings.HasSuffix(path, ".src.dataTemplate"): // of Argo Events, for text for display and the first digits of a commit
			require.Equal(t, "spec.triggers[].template.k8s.parameters[].src.dataTemplate", withoutNumbers(path), object)
		case strings.HasSuffix(path, ".when"):
			require.Regexp(t, conditions, text)
		case strings.HasSuffix(path, ".value") && waits.MatchString(text):
			require.Equal(t, "spec.templates[].container.env[].value", withoutNumbers(path), object)
		case strings.HasSuffix(path, ".synchronization.mutexes[0].name"):
			require.Regexp(t, locks, text)
		default:
			require.Regexp(t, whole, text, "%s: %s", object, path)
			require.Contains(t, expressionsAllowed, withoutNumbers(path), object)
		}
	}
}

func allTexts(at any, path string) map[string]string {
	found := map[string]string{}
	switch value := at.(type) {
	case map[string]any:
		for key, inner := range value {
			for p, text := range allTexts(inner, path+"."+key) {
				found[p] = text
			}
		}
	case []any:
		for i, inner := range value {
			for p, text := range allTexts(inner, fmt.Sprintf("%s[%d]", path, i)) {
				found[p] = text
			}
		}
	case string:
		found[strings.TrimPrefix(path, ".")] = value
	}
	return found
}

var number = regexp.MustCompile(`\[[0-9]+\]`)

func withoutNumbers(path string) string { return number.ReplaceAllString(path, "[]") }

func TestExpressionsOfGoldenObjectsAreWholeValues(t *testing.T) {
	for _, dir := range goldenCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) { checkAllExpressions(t, rendered(t, dir)) })
	}
}
