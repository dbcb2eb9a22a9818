package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/aphex/aphex-pipeline/e2e/node"
	"github.com/aphex/aphex-pipeline/e2e/world"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

// Accounts and regions of the simulated AWS.
const (
	home       = "111111111111"
	other      = "222222222222"
	homeRegion = "eu-west-1"
)

const shop = "../examples/shop"

// platform is a cluster with all services around it.
type platform struct {
	ctx   context.Context
	work  string
	node  *node.Node
	world *world.World
}

// shared is the platform of this run.
var shared = &platform{}

// open starts everything.
func (p *platform) open(ctx context.Context, work string) error {
	p.ctx, p.work = ctx, work
	began := time.Now()
	say := func(what string) { fmt.Printf("%6.1fs  %s\n", time.Since(began).Seconds(), what) }
	archives, err := p.archives()
	if err != nil {
		return err
	}
	if p.node, err = node.Start(ctx, filepath.Join(work, "node"), programs()); err != nil {
		return err
	}
	say("the node is ready")
	if p.world, err = world.Start(ctx, p.worldOptions()); err != nil {
		return err
	}
	if err := together(p.accounts, func() error { return p.node.Load(ctx, archives...) }); err != nil {
		return err
	}
	say("the images are loaded, the accounts are bootstrapped")
	if err := p.node.InstallArgo(ctx); err != nil {
		return err
	}
	if _, err := p.node.Kubectl(ctx, p.world.Reviews(), "apply", "-f", "-"); err != nil {
		return err
	}
	say("Argo is installed")
	return nil
}

func (p *platform) archives() ([]string, error) {
	folder := filepath.Join(p.work, "images")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	pause := exec.CommandContext(p.ctx, "go", "build", "-o", filepath.Join(p.work, "pause"), "./pause")
	pause.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := pause.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the pause program: %w: %s", err, output)
	}
	archives, err := node.ArgoImages(folder, filepath.Join(p.work, "pause"), programs())
	if err != nil {
		return nil, err
	}
	builder, err := node.BuildKitImage(folder, programs())
	if err != nil {
		return nil, err
	}
	archives = append(archives, builder)
	stages, err := filepath.Glob(filepath.Join(*images, "*.tar"))
	if err == nil && len(stages) == 0 {
		err = fmt.Errorf("there are no images in %s; make images builds them", *images)
	}
	return append(archives, stages...), err
}

func (p *platform) worldOptions() world.Options {
	cache, err := os.UserHomeDir()
	if err != nil {
		cache = "/root"
	}
	return world.Options{
		Dir: filepath.Join(p.work, "world"), Address: node.Address, Authority: p.node.Authority,
		NPMCache: filepath.Join(cache, ".npm", "_cacache"), LockFile: filepath.Join(shop, "package-lock.json"),
		RoleOf: p.roleOf,
	}
}

func (p *platform) close() {
	if p.world != nil {
		p.world.Stop()
	}
	if p.node != nil {
		p.node.Stop()
	}
}

// roleOf reads the role that a ServiceAccount names.
func (p *platform) roleOf(namespace, serviceAccount string) string {
	var account struct {
		Metadata struct{ Annotations map[string]string }
	}
	if p.node.Get(p.ctx, "/api/v1/namespaces/"+namespace+"/serviceaccounts/"+serviceAccount, &account) != nil {
		return ""
	}
	return account.Metadata.Annotations["eks.amazonaws.com/role-arn"]
}

// admin returns the configuration of the administrator of an account.
func (p *platform) admin(account, region string) aws.Config {
	keys, url := p.world.AWS.AddAccount(account), p.world.AWS.URL()
	return aws.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")}
}

// environment returns the variables of a user who is administrator of an account and of
// the cluster.
func (p *platform) environment(account string) []string {
	return append(p.world.Environment(account, homeRegion), "KUBECONFIG="+p.node.Kubeconfig())
}

// clusterStack is the stack of the cluster's team, with the token of the repositories.
var clusterStack = `{"Resources":{"Provider":{"Type":"AWS::IAM::OIDCProvider","Properties":{
	"Url":"` + node.Issuer + `","ClientIdList":["sts.amazonaws.com"],"ThumbprintList":["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]}},
	"Token":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"shop/github-token","SecretString":"{\"token\":\"` + world.Token + `\"}"}}},
	"Outputs":{
	"N":{"Value":"company-pipelines","Export":{"Name":"AphexCluster-company-pipelines-ClusterName"}},
	"P":{"Value":{"Ref":"Provider"},"Export":{"Name":"AphexCluster-company-pipelines-OIDCProviderArn"}},
	"K":{"Value":"arn:aws:iam::111111111111:role/kubectl","Export":{"Name":"AphexCluster-company-pipelines-KubectlRoleArn"}},
	"S":{"Value":"sg-1","Export":{"Name":"AphexCluster-company-pipelines-ClusterSecurityGroupId"}}}}`

// accounts deploys the stack of the cluster, and bootstraps every account with the CDK CLI.
func (p *platform) accounts() error {
	goal := cfn.Goal{Name: "cluster", Template: []byte(clusterStack)}
	if _, err := cfn.Deploy(p.ctx, cloudformation.NewFromConfig(p.admin(home, homeRegion)), goal, cfn.Options{}); err != nil {
		return err
	}
	return together(
		func() error { return p.bootstrap(home, homeRegion, "us-east-1") },
		func() error { return p.bootstrap(other, "eu-central-1", "us-east-1") })
}

// together runs all tasks in parallel, and returns their errors.
func together(tasks ...func() error) error {
	failures := make([]error, len(tasks))
	var all sync.WaitGroup
	for i, task := range tasks {
		all.Go(func() { failures[i] = task() })
	}
	all.Wait()
	return errors.Join(failures...)
}

func (p *platform) bootstrap(account string, regions ...string) error {
	cdk, err := filepath.Abs(filepath.Join(shop, "node_modules/.bin/cdk"))
	if err != nil {
		return err
	}
	return p.world.Bootstrap(p.ctx, cdk, account, home, regions...)
}

// diagnose stores data about a failure: events, workflows, pods and logs.
func (p *platform) diagnose() {
	if p.node == nil {
		return
	}
	folder := *diagnosis
	_ = os.RemoveAll(folder)
	_ = os.MkdirAll(folder, 0o755)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for name, args := range map[string]string{
		"events.txt": "get events -A --sort-by=.lastTimestamp", "workflows.json": "get workflows -A -o json", "pods.yaml": "get pods -A -o yaml",
		"argo.yaml": "get workflowtemplates,sensors,eventsources,eventbus,cronworkflows -A -o yaml",
	} {
		text, err := p.node.Kubectl(ctx, "", strings.Fields(args)...)
		if err != nil {
			text += err.Error()
		}
		_ = os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644)
	}
	_ = os.CopyFS(filepath.Join(folder, "logs"), os.DirFS(filepath.Join(p.work, "node", "logs")))
	_ = exec.Command("cp", "-rL", "/var/log/pods", filepath.Join(folder, "pods")).Run()
	fmt.Fprintln(os.Stderr, "e2e: what is known of the failure lies in", folder)
}

// decode reads valid JSON.
func decode[T any](text []byte) (T, error) {
	var into T
	err := json.Unmarshal(text, &into)
	return into, err
}
