package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/console"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubeconfig"
	"github.com/aphex/aphex-pipeline/internal/localrun"
	"github.com/aphex/aphex-pipeline/internal/notify/github/githubtest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// clusterOfTest is the variable with which this program is the deployer, in the cluster of
// that kubeconfig.
const clusterOfTest = "DEPLOYER_TEST_CLUSTER"

func TestMain(m *testing.M) {
	if file := os.Getenv(clusterOfTest); file != "" {
		os.Exit(program(func() (kube.Cluster, error) {
			cluster, _, err := kubeconfig.Connect(file, "")
			return cluster, err
		}).Main())
	}
	os.Exit(m.Run())
}

// world is a pipeline in a simulated AWS and an API server, whose runs are processes with
// the role of the pod that they would have in a cluster.
type world struct {
	*installtest.Platform
	t                 *testing.T
	cluster           kube.Cluster
	cfg               *config.Config
	place             plan.Place
	names             plan.Names
	repo              *gittest.Repository
	github            *githubtest.Server
	url               string
	host, certificate string // of the git server: its address, and the file of its certificate
	dir               string
	env               []string
}

// environments are those of the pipeline besides dev: one that is entered by the bootstrap of
// another account, and one that is entered by a role.
const environments = `    requiresApproval: true
    requireProvenance: true
    windows: [{from: "00:00"}]
    tests: {commands: ["sh test.sh"]}
  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Prod, path: cdk.json}], windows: [{from: "00:00"}], tests: {commands: ["sh test.sh"]}, requireProvenance: true}
  - {name: own, account: "222222222222", region: eu-west-1, stacks: [{name: Role, path: cdk.json}], roleArn: "arn:aws:iam::222222222222:role/delivery", commandRoleArn: "arn:aws:iam::222222222222:role/tests", externalId: word, requireProvenance: true, windows: [{from: "00:00"}], tests: {commands: ["sh test.sh"]}}
pipelineStack: {name: Own, path: cdk.json}
notifications:
  - {sns: {topicArn: "` + topic + `"}, events: [succeeded]}
  - {webhook: {secretName: shop/events}, events: [succeeded]}
  - {github: {report: [statuses, deployments]}}
runUrl: https://argo.example.com/workflows/{namespace}/{run}
signing: {kmsKeyArn: "` + signingKey + `"}
triggers: {paths: ["**", "!docs/**"]}
`

// signingKey signs what the pipeline attests.
const signingKey = "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"

// topic is told about runs. The other target is at an address of this machine, which
// gets nothing.
const topic = "arn:aws:sns:eu-west-1:111111111111:news"

// newWorld makes accounts, the repository with its first commit, and the programs.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Platform: installtest.New(t), t: t, repo: gittest.New(t), dir: t.TempDir()}
	for _, account := range []string{installtest.Home, installtest.Prod} {
		w.remove(account, "CDKToolkit")
		require.NoError(t, w.AWS.MakeBootstrap(account, installtest.Region, "hnb659fds", installtest.Home))
	}
	kubeconfigFile := w.Kube.Kubeconfig(t)
	var err error
	w.cluster, _, err = kubeconfig.Connect(kubeconfigFile, "")
	require.NoError(t, err)
	w.serve()
	home := w.Admin(installtest.Home, installtest.Region)
	_, err = sns.NewFromConfig(home).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("news")})
	require.NoError(t, err)
	_, err = secretsmanager.NewFromConfig(home).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("shop/events"), SecretString: aws.String(w.url)})
	require.NoError(t, err)
	require.NoError(t, w.AWS.Keys().Make(signingKey))
	w.configure(devStacks(", {name: Old, path: cdk.json}"), "build: {cache: {paths: [kept], key: [cdk.json]}, commands: [\"mkdir -p kept\"]}\n")
	w.place = plan.Place{Account: installtest.Home, Region: installtest.Region, Config: config.File, Bucket: w.cfg.Bucket(installtest.Home, installtest.Region)}
	w.names = plan.NamesOf(w.cfg, w.place)
	w.programs()
	w.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "AWS_ENDPOINT_URL=" + w.AWS.URL(), "AWS_ENDPOINT_URL_STS=" + w.AWS.URL(), "AWS_EC2_METADATA_DISABLED=true", "CDK_VALIDATION=false",
		"SSL_CERT_FILE=" + w.certificate, clusterOfTest + "=" + kubeconfigFile, "CDK_DOCKER=" + w.file("docker", 0o700, "#!/bin/sh\n[ \"$1\" != login ] || cat > /dev/null\n[ \"$1\" != inspect ]\n"),
	}
	return w
}

// remove deletes a stack.
func (w *world) remove(account, stack string) {
	w.t.Helper()
	client := cloudformation.NewFromConfig(w.Admin(account, installtest.Region))
	_, err := client.DeleteStack(w.t.Context(), &cloudformation.DeleteStackInput{StackName: &stack})
	require.NoError(w.t, err)
	require.Eventually(w.t, func() bool {
		_, err := client.DescribeStacks(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
		return err != nil
	}, 10*time.Second, 2*time.Millisecond)
}

// configure writes the configuration with the stacks of dev and further keys, the assembly
// of the app and its tests, and commits them.
func (w *world) configure(stacks, more string) (commit string) {
	w.t.Helper()
	text := strings.Replace(installtest.Named("shop"), `{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}`,
		"name: dev\n    account: \"111111111111\"\n    region: eu-west-1\n    stacks: "+stacks, 1) + environments + "githubHost: \"" + w.host + "\"\n" + more
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(w.t, err)
	require.NoError(w.t, cfg.RequireCluster())
	w.cfg = cfg
	w.repo.Write(config.File, text)
	w.repo.Write("cdk.json", `{"app": "cp -r assembly/. $CDK_OUTDIR"}`)
	w.repo.Write("test.sh", "mkdir -p reports\necho '<testsuite tests=\"1\"><testcase name=\"a\"/></testsuite>' > reports/a.xml\n")
	w.assembly()
	return w.repo.Commit("configured")
}

// devStacks are the stacks of dev, with more.
func devStacks(more string) string { return "[{name: Dev, path: cdk.json}" + more + "]" }

type object = map[string]any

// assembly writes a cloud assembly of the stacks of all environments, each with a file and
// an image. The app gives the sessions of roles a tag.
func (w *world) assembly() {
	w.t.Helper()
	artifacts := object{}
	tagged := object{"Tags": []object{{"Key": "team", "Value": "shop"}}}
	for stack, account := range map[string]string{"Dev": installtest.Home, "Old": installtest.Home, "Own": installtest.Home, "Prod": installtest.Prod, "Role": installtest.Prod} {
		at := account + "-" + installtest.Region
		role := func(kind string) string {
			return "arn:${AWS::Partition}:iam::" + account + ":role/cdk-hnb659fds-" + kind + "-role-" + at
		}
		w.write("assembly/"+stack+".template.json", object{"Resources": object{"P": object{"Type": "AWS::SSM::Parameter", "Properties": object{"Type": "String", "Value": stack}}}})
		w.repo.Write("assembly/"+stack+".txt", stack)
		w.repo.Write("assembly/"+stack+"/Dockerfile", "FROM scratch\n")
		w.write("assembly/"+stack+".assets.json", object{
			"version": "48.0.0",
			"files": object{"f": object{
				"source":       object{"path": stack + ".txt", "packaging": "file"},
				"destinations": object{"here": object{"bucketName": "cdk-hnb659fds-assets-" + at, "objectKey": stack + ".txt", "assumeRoleArn": role("file-publishing"), "assumeRoleAdditionalOptions": tagged}},
			}},
			"dockerImages": object{"i": object{
				"source": object{"directory": stack},
				"destinations": object{"here": object{
					"repositoryName": "cdk-hnb659fds-container-assets-" + at, "imageTag": strings.ToLower(stack), "assumeRoleArn": role("image-publishing"),
				}},
			}},
		})
		needs := object{"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version"}
		of := func(more object) object {
			for key, value := range needs {
				more[key] = value
			}
			return more
		}
		artifacts[stack+".assets"] = object{"type": "cdk:asset-manifest", "properties": of(object{"file": stack + ".assets.json"})}
		artifacts[stack] = object{
			"type": "aws:cloudformation:stack", "environment": "aws://" + account + "/" + installtest.Region, "displayName": stack,
			"dependencies": []string{stack + ".assets"},
			"properties": of(object{
				"templateFile": stack + ".template.json", "assumeRoleArn": role("deploy"), "assumeRoleAdditionalOptions": tagged,
				"lookupRole": object{"arn": role("lookup"), "assumeRoleAdditionalOptions": tagged}, "cloudFormationExecutionRoleArn": role("cfn-exec"),
			}),
		}
	}
	w.write("assembly/manifest.json", object{"version": "48.0.0", "artifacts": artifacts})
}

func (w *world) write(name string, content object) {
	w.t.Helper()
	text, err := json.Marshal(content)
	require.NoError(w.t, err)
	w.repo.Write(name, string(text))
}

// file writes a file outside of the repository.
func (w *world) file(name string, mode os.FileMode, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(w.t, os.WriteFile(path, []byte(text), mode))
	return path
}

// programs builds the programs of the stages. Each is started by a script that takes on the
// role of the pod.
func (w *world) programs() {
	w.t.Helper()
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(w.dir, "programs")+"/", "../validator", "../builder", "../tester")
	output, err := build.CombinedOutput()
	require.NoError(w.t, err, string(output))
	self, err := os.Executable()
	require.NoError(w.t, err)
	for name, path := range map[string]string{
		"deployer": self, "validator": filepath.Join(w.dir, "programs", "validator"),
		"builder": filepath.Join(w.dir, "programs", "builder"), "tester": filepath.Join(w.dir, "programs", "tester"),
	} {
		w.file("bin/"+name, 0o700, "#!/bin/sh\nexport AWS_ROLE_ARN=\"$POD_ROLE\" AWS_WEB_IDENTITY_TOKEN_FILE='"+w.dir+"/tokens/'\"$POD_ACCOUNT\"\nexec '"+path+"' \"$@\"\n")
	}
}

// serve serves the repository and the API of GitHub, at one host.
func (w *world) serve() {
	w.t.Helper()
	handler, err := gittest.Handler(w.repo.Dir)
	require.NoError(w.t, err)
	w.github = githubtest.New(w.t)
	w.github.Tokens["x"] = w.github.Tokens["token"]
	w.github.Has = func(commit string) bool { return w.repo.Git("cat-file", "-t", commit) == "commit" }
	const path = "/" + githubtest.Owner + "/" + githubtest.Name + ".git"
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if rest, is := strings.CutPrefix(r.URL.Path, path); is {
			r.URL.Path = "/.git" + rest
			handler.ServeHTTP(rw, r)
			return
		}
		w.github.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	w.url = server.URL + path
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	w.host, w.certificate = strings.TrimPrefix(server.URL, "https://"), w.file("certificate.pem", 0o600, string(certificate))
}

// install installs the pipeline as a person does, and the roles that another account gives it.
func (w *world) install() {
	w.t.Helper()
	var log bytes.Buffer
	_, err := install.Bootstrap(w.t.Context(), install.Target{
		Config: w.cfg, Cluster: w.cluster, Place: w.place,
		AWS: func(_ context.Context, region string) (aws.Config, error) {
			return w.Admin(installtest.Home, region), nil
		},
	}, install.BootstrapOptions{}, console.Lines(&log))
	require.NoError(w.t, err, log.String())
	var resources []string
	for i, name := range []string{"delivery", "tests"} {
		for _, access := range plan.AccessesOf(w.cfg) {
			if access.RoleARN != "" {
				resources = append(resources, fmt.Sprintf(`"R%d":{"Type":"AWS::IAM::Role","Properties":{"RoleName":%q,"ManagedPolicyArns":["arn:aws:iam::aws:policy/AdministratorAccess"],
					"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":%q},"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"sts:ExternalId":"word"}}}]}}}`,
					i, name, w.place.RoleARN(w.names.DeployerRole(access))))
			}
		}
	}
	w.Deploy(installtest.Prod, "roles", `{"Resources":{`+strings.Join(resources, ",")+`}}`)
}

// template is a version of the pipeline's template in the cluster. Its containers get the role of their pod.
func (w *world) template(name string) *localrun.Template {
	w.t.Helper()
	content := w.Kube.Object("/apis/argoproj.io/v1alpha1/namespaces/" + w.cfg.ArgoNamespace + "/workflowtemplates/" + name).Object
	metadata, _ := content["metadata"].(object)
	require.NotNil(w.t, metadata, name)
	delete(metadata, "resourceVersion")
	text, err := json.Marshal(content)
	require.NoError(w.t, err)
	template, err := localrun.Parse(text)
	require.NoError(w.t, err)
	for n, node := range template.Spec.Templates {
		if node.Container == nil {
			continue
		}
		template.Spec.Templates[n].RetryStrategy = nil // nothing fails here
		for i, variable := range node.Container.Env {
			switch variable.Name {
			case "AWS_ROLE_ARN":
				node.Container.Env[i].Name = "POD_ROLE"
			case "AWS_WEB_IDENTITY_TOKEN_FILE":
				w.file("tokens/"+node.ServiceAccountName, 0o600, token(w.cfg.ArgoNamespace, node.ServiceAccountName))
				node.Container.Env[i] = localrun.EnvVar{Name: "POD_ACCOUNT", Value: node.ServiceAccountName}
			}
		}
	}
	return template
}

// token is the token that Kubernetes issues to pods of a service account.
func token(namespace, account string) string {
	claims, _ := json.Marshal(object{
		"iss": "https://oidc.example.test/id/1", "sub": "system:serviceaccount:" + namespace + ":" + account, "aud": []string{"sts.amazonaws.com"},
	})
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(claims) + "." + encode([]byte("signature"))
}

// current is the version of the template that the next push runs.
func (w *world) current() string {
	w.t.Helper()
	all := w.Kube.Has("workflowtemplates")
	require.NotEmpty(w.t, all)
	return all[len(all)-1]
}

// run runs a template, which must end so.
func (w *world) run(want localrun.Status, template *localrun.Template, name, entrypoint, commit string, more map[string]string) localrun.Result {
	w.t.Helper()
	parameters := map[string]string{plan.CommitSHA: commit, plan.Branch: "main", plan.RepoURL: w.url, plan.RepoName: "my-org/shop", plan.Pusher: "octocat"}
	for key, value := range more {
		parameters[key] = value
	}
	var log shared
	result, err := localrun.Run(w.t.Context(), template, localrun.Options{
		Name: name, Entrypoint: entrypoint, Parameters: parameters, Dir: filepath.Join(w.dir, "steps", name), Env: w.env, Step: argo.StepOf,
		Program: func(command string) (string, error) { return filepath.Join(w.dir, "bin", command), nil },
		Begin:   func(_ context.Context, task string, _ func()) error { return w.approve(name, task) },
		Log:     func(string) (io.WriteCloser, error) { return &log, nil },
	})
	require.NoError(w.t, err)
	require.Equal(w.t, want, result.Status, log.String())
	return result
}

// approve approves, soon, what a run asks a person for.
func (w *world) approve(run, task string) error {
	environment := plan.WaitedFor(task)
	if environment == "" {
		return nil
	}
	people := gate.Store{Bucket: w.artifacts()}
	waits, err := people.WaitsForPerson(w.t.Context(), run, environment)
	if err != nil || !waits {
		return err
	}
	go func() {
		time.Sleep(time.Second) // the pod has looked once
		_ = people.Decide(w.t.Context(), gate.Decision{Run: run, Environment: environment, By: "ada", At: time.Now()})
	}()
	return nil
}

// artifacts opens the artifact bucket as its administrator.
func (w *world) artifacts() bucket.Bucket {
	return bucket.OpenS3(bucket.NewClient(w.Admin(installtest.Home, installtest.Region), bucket.OwnedBy(installtest.Home)), w.place.Bucket)
}

// shared is a log of several steps.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

func (s *shared) Close() error { return nil }

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// push runs what a push of a commit starts, and the run that it hands over to.
func (w *world) push(commit string) (handedOver bool) {
	w.t.Helper()
	name := plan.FirstRun(w.cfg.WorkflowNamePrefix, commit)
	first := w.run(localrun.Succeeded, w.template(w.current()), name, "", commit, nil)
	for _, step := range first.Steps {
		handover, err := stage.ParseHandover(step.Outputs[stage.HandoverOutput])
		require.NoError(w.t, err)
		if handover != nil {
			w.run(localrun.Succeeded, w.template(handover.Template), handover.Run, argo.ResumeEntry, commit, argo.ResumedValues(name, *handover))
			return true
		}
	}
	return false
}

// deliver runs the pipeline: the first commit; one that changes the pipeline, its AWS stack
// and the size of its artifact, restores the cache of the first one, and leaves out a stack that a person has deleted; one without
// a file of triggers.paths; the first one again, which is superseded; and the reconciler in between.
func (w *world) deliver() {
	w.t.Helper()
	w.reconcile()
	first := w.repo.Git("rev-parse", "HEAD")
	require.False(w.t, w.push(first))
	w.remove(installtest.Home, "Old")
	second := w.configure(devStacks(""), "artifactRetentionDays: 7\nselfUpdate: {onFailure: stop}\nbuild: {cache: {paths: [kept], key: [cdk.json]}, commands: [\"test -d kept && head -c 20000000 /dev/urandom > large\"]}\n")
	w.reconcile()
	require.True(w.t, w.push(second), "the update hands over")
	w.reconcile()
	w.override(second)
	w.repo.Write("docs/readme.md", "nothing to deploy")
	w.skip(w.repo.Commit("documents"))
	w.check(first)
	started := w.Kube.Has("workflows")
	w.reconcile()
	require.Equal(w.t, started, w.Kube.Has("workflows"), "a run that had nothing to do is not started again")
	w.run(localrun.Failed, w.template(w.current()), "late", "", first, nil)
}

// check runs what a pull request with the commit at its head starts.
func (w *world) check(commit string) {
	w.t.Helper()
	result := w.run(localrun.Succeeded, w.template(w.current()), w.cfg.WorkflowNamePrefix+"check-x7k2p", argo.CheckEntry, commit, nil)
	for _, step := range result.Steps {
		require.Equal(w.t, localrun.Succeeded, step.Status, step.Name)
		require.Contains(w.t, []string{plan.Validate, plan.PlanStep, argo.ExitStep}, step.Name)
	}
}

// override runs what lets another run pass a gate, with what the run of a commit built.
func (w *world) override(commit string) {
	w.t.Helper()
	artifacts := w.artifacts()
	d, err := record.ReadRun(w.t.Context(), artifacts, plan.FirstRun(w.cfg.WorkflowNamePrefix, commit))
	require.NoError(w.t, err)
	asked := argo.Asked{
		Purpose: plan.ToOverride, Commit: commit, Environments: []string{"dev"}, By: "octocat", Reason: "{{it}} is $(HOME)", Target: "shop-1", Gates: []string{"windows"},
		Artifact: d.Built.Artifact, Digest: d.Built.Digest, ConfigDigest: d.Built.ConfigDigest,
	}
	w.run(localrun.Succeeded, w.template(w.current()), "override", asked.Entry(), commit, asked.Values())
	known, err := gate.Store{Bucket: artifacts}.Known(w.t.Context(), "shop-1", "dev")
	require.NoError(w.t, err)
	require.Len(w.t, known.Overrides, 1)
	require.Equal(w.t, "{ { it}} is $(HOME)", known.Overrides[0].Why)
}

// skip runs what a push of a commit starts, which has nothing to do.
func (w *world) skip(commit string) {
	w.t.Helper()
	result := w.run(localrun.Succeeded, w.template(w.current()), plan.FirstRun(w.cfg.WorkflowNamePrefix, commit), "", commit, nil)
	for _, step := range result.Steps {
		want := localrun.Skipped
		if step.Name == plan.Validate || step.Name == argo.ExitStep {
			want = localrun.Succeeded
		}
		require.Equal(w.t, want, step.Status, step.Name)
	}
}

// reconcile runs the reconciler as its CronWorkflow does.
func (w *world) reconcile() {
	w.t.Helper()
	template := w.template(w.current())
	template.Spec.OnExit = ""
	template.Spec.Templates = append(template.Spec.Templates, localrun.Node{
		Name: "alone", DAG: &localrun.DAG{Tasks: []localrun.Task{{Name: argo.WatchEntry, Template: argo.WatchEntry}}},
	})
	w.run(localrun.Succeeded, template, "reconcile", "alone", w.repo.Git("rev-parse", "HEAD"), nil)
}
